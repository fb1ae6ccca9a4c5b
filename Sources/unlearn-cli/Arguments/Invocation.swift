import Files
import Foundation
import Training
import Unlearn

/// One call of a command: its options, checked as they are read.
package struct Invocation: Sendable {
    let command: String
    private let givenFolder: String?
    /// The words beside the options.
    let operands: [String]
    private let values: [String: String]

    init(command: String, folder: String?, operands: [String] = [], values: [String: String]) {
        self.command = command
        self.operands = operands
        givenFolder = folder
        self.values = values
    }

    /// The word of a command that takes one; else empty.
    var operand: String { operands.first ?? "" }

    /// The project's folder.
    package var folder: String {
        givenFolder ?? PathText.environment("UNLEARN_PROJECT") ?? "."
    }

    var wantsJSON: Bool { flag("json") }
    var isQuiet: Bool { flag("quiet") }

    func flag(_ name: String) -> Bool { values[name] != nil }

    package func text(_ name: String) -> String? { values[name] }

    func required(_ name: String, _ what: String) throws -> String {
        guard let value = values[name] else { throw Failure(.input, "'unlearn \(command)' needs --\(name) \(what)") }
        return value
    }

    /// The list of --ids, in which --id-column may name a column.
    func idList() throws -> IDList { try list(of: "ids") }

    private func list(of option: String) throws -> IDList { try IDList(reading: try required(option, "FILE (or - for standard input)"), column: text("id-column")) }

    /// The one option that names rows, or nil. Nothing is read.
    func wayOfNamingRows() throws -> String? {
        let ways = OptionSpec.namingRows.map(\.name).filter(flag)
        guard ways.count <= 1 else { throw Failure(.input, "--\(ways[0]) and --\(ways[1]) name rows in two ways; give one of them") }
        if flag("id-column"), ways.first == nil || ways.first == "group" {
            throw Failure(.input, "--id-column names a column of the list that --ids or --persons gives; give both")
        }
        return ways.first
    }

    /// The rows that --ids, --persons or --group name, or nil where none of them is given; a list is read.
    func namedRows() throws -> DeletionTarget? {
        switch try wayOfNamingRows() {
        case "ids": .list(try idList())
        case "persons": .persons(try list(of: "persons"))
        case "group": .group(text("group")!)
        default: nil
        }
    }

    package func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = values[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw Failure(.input, "--\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound), not '\(text.prefix(80))'")
        }
        return value
    }

    /// A seed: 64 bits.
    func seed(_ name: String) throws -> UInt64? {
        guard let text = values[name] else { return nil }
        guard let seed = UInt64(text) else { throw Failure(.input, "--\(name) takes a whole number from 0 to \(UInt64.max), not '\(text.prefix(80))'") }
        return seed
    }

    package func integers(_ name: String, in range: ClosedRange<Int>) throws -> [Int]? {
        try list(name)?.map { text in
            guard let value = Int(text), range.contains(value) else {
                throw Failure(.input, "--\(name) takes whole numbers from \(range.lowerBound) to \(range.upperBound) with commas between, not '\(text.prefix(80))'")
            }
            return value
        }
    }

    /// The number in a request's name: 1 for R1.
    static func requestNumber(_ text: String) throws -> Int {
        let digits = text.first.map { $0 == "R" || $0 == "r" } == true ? String(text.dropFirst()) : text
        guard let number = Int(digits), number > 0 else { throw Failure(.input, "'\(text.prefix(80))' is no request's name; name one such as R1") }
        return number
    }

    package func number(_ name: String, in range: ClosedRange<Double>) throws -> Double? {
        guard let text = values[name] else { return nil }
        return try number(text, name, range)
    }

    package func numbers(_ name: String, in range: ClosedRange<Double>) throws -> [Double]? {
        try list(name)?.map { try number($0, name, range) }
    }

    private func number(_ text: String, _ name: String, _ range: ClosedRange<Double>) throws -> Double {
        guard let value = Double(text), range.contains(value) else {
            throw Failure(.input, "--\(name) takes a number from \(shortest(range.lowerBound)) to \(shortest(range.upperBound)), not '\(text.prefix(80))'")
        }
        return value
    }

    private func list(_ name: String) -> [String]? {
        values[name].map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) }
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, _: Choice.Type = Choice.self) throws -> Choice? {
        guard let text = values[name] else { return nil }
        guard let value = Choice(rawValue: text) else {
            throw Failure(.input, "--\(name) takes \(Choice.allCases.map(\.rawValue).joined(separator: ", ")), not '\(text.prefix(80))'")
        }
        return value
    }

    package var threads: Int {
        get throws { try integer("threads", in: 1...256) ?? min(256, Processor.cores) }
    }

    /// Processes of a user's program.
    package var workers: Int {
        get throws { try integer("workers", in: 1...256) ?? 1 }
    }

    /// The officer's reference of a request.
    var ticket: String? {
        get throws {
            guard let text = text("ticket") else { return nil }
            guard Ticket.isAllowed(text) else {
                throw Failure(.input, "--ticket takes a reference of one line, at most \(Ticket.longest) bytes, without control characters; this one has \(text.utf8.count) bytes")
            }
            return text
        }
    }

    private func shortest(_ value: Double) -> String { value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)" }
}
