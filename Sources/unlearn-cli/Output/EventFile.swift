import Checkpoints
import Files
import Foundation
import Unlearn

/// Appends a line of JSON for each step of a command, with the fields of CloudEvents 1.0, for whoever watches it from outside. Requests are
/// named, rows and people are not.
struct EventFile: Sendable {
    private let path: String
    /// Says which project it is, once that is known.
    private let source: String

    private struct Event: Encodable {
        let specversion = "1.0"
        let id = UUID().uuidString
        let source: String
        let type: String
        let time = Date.now.formatted(.iso8601)
        let datacontenttype = "application/json"
        let data: Data

        struct Data: Encodable {
            var requests: [String]?
            var rows: Int?
            var blocks: Int?
            var outcome: RunOutcome?
            var stateDigest: String?
            var error: String?

            private enum CodingKeys: String, CodingKey { case requests, rows, blocks, outcome, stateDigest = "state_digest", error }
        }
    }

    /// - Throws: kind `input` where nothing can be appended there.
    init?(of invocation: Invocation) throws {
        guard let path = invocation.text("events") else { return nil }
        // As any file that is written to: no key, nothing of a project's own, no link.
        try Store.expectOutput(path, besideProject: invocation.folder, replacing: true)
        for option in ["ids", "persons", "interim"] where invocation.text(option).flatMap(FileSystem.place) == FileSystem.place(of: path) {
            throw Failure(.input, "--events and --\(option) name one file; name another for the events")
        }
        (self.path, source) = (path, "urn:unlearn")
        do { try append([]) } catch { throw Failure(.input, "nothing can be appended to \(path) (\(error)); name another file for --events") }
    }

    private init(path: String, source: String) { (self.path, self.source) = (path, source) }

    func of(project: String) -> EventFile { EventFile(path: path, source: "urn:unlearn:\(project)") }

    /// That a command ended with an error. What is wrong with an input may name rows and people; a file of events does not.
    func add(failure error: any DescribedError) {
        let words = error.kind == .input ? "the input was wrong, and nothing was changed" : error.description
        add(.failed(outcome: error.kind == .refused ? .refused : nil, error: words))
    }

    func add(_ step: RunStep) {
        let (type, data): (String, Event.Data) =
            switch step {
            case .received(let request, let rows): ("request.received", .init(requests: [request], rows: rows))
            case .withdrawn(let request): ("request.withdrawn", .init(requests: [request]))
            case .interimWritten(let digest): ("interim.written", .init(stateDigest: digest))
            case .begun(let requests, let rows): ("run.begun", .init(requests: requests, rows: rows))
            case .retrained(let blocks): ("run.retrained", .init(blocks: blocks))
            case .closed(let requests, let outcome, let digest): ("run.closed", .init(requests: requests, outcome: outcome, stateDigest: digest))
            case .erasureAcknowledged(let requests): ("erasure.acknowledged", .init(requests: requests))
            case .erasureNotAcknowledged(let requests, let error): ("erasure.not-acknowledged", .init(requests: requests, error: Console.printable(SecretFile.hidingDigits(in: error), keeping: [])))
            case .nothingToDo: ("run.closed", .init(requests: [], outcome: .nothingToDo))
            case .failed(let outcome, let error): ("run.failed", .init(outcome: outcome, error: Console.printable(SecretFile.hidingDigits(in: error), keeping: [])))
            }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            try append([UInt8](encoder.encode(Event(source: source, type: "org.unlearn." + type, data: data))) + [UInt8(ascii: "\n")])
        } catch {
            // What is done is done, whoever hears of it.
            Console.error("a step was not appended to \(path): \(error)")
        }
    }

    private func append(_ bytes: [UInt8]) throws { try FileSystem.append(bytes, to: path) }
}

extension OptionSpec {
    static let events = OptionSpec("events", "FILE", "append a line of JSON for each step (fields of CloudEvents 1.0): request received, run begun, retrained, closed, erasure acknowledged by a trainer that holds the rows, failed")
}
