import Files
import Foundation

/// A trainer's program, running: asked one thing at a time.
final class TrainerProcess {
    private let channel: ProgramChannel
    private let command: String
    private var asked = 0
    private var files = 0
    private(set) var name = ""
    /// All that may change the bits of training, as it says.
    private(set) var facts: [String: String] = [:]

    /// Another command for the program of a project, where it moved.
    static let commandName = "UNLEARN_TRAINER"
    /// What a program of ours is told of and a trainer need not know.
    private static let withheld: [String: String?] = ["UNLEARN_KEY_FILE": nil, "UNLEARN_PROJECT": nil]
    private static let mostFacts = 200, longestFact = 2000
    private static let startPatience = 120.0, patience = 3600.0

    /// Starts it and greets.
    /// - Parameter shape: of a row; nil: the program holds the rows.
    init(_ command: String, in folder: String, shape: RowShape?, classNames: [String], worker: Int, of workers: Int, isInterrupted: () -> Bool) throws {
        let command = PathText.environment(Self.commandName) ?? command
        self.command = command
        do {
            channel = try ProgramChannel(command, in: folder, prefix: "trainer: ", changes: Self.withheld.merging(workers > 1 ? Self.device(of: worker) : [:]) { $1 })
        } catch let error as ProgramNotStarted {
            throw TrainerFault.notStarted(command: command, reason: String(cString: strerror(error.code)))
        }
        let greeting = try ask(
            .hello(engine: programVersion, shape: shape.map { $0.isFlat ? [$0.width] : [$0.channels, $0.height, $0.width] }, classNames: classNames, worker: worker),
            patience: try Self.patience(Self.startPatience), isInterrupted)
        guard let version = greeting["protocol"] as? Int, version == TrainerRequest.version else {
            throw TrainerFault.otherProtocol(greeting["protocol"].map { "\($0)" } ?? "none")
        }
        guard let name = (greeting["name"] as? String).map(PathText.withoutControls), name.contains(where: { $0 != " " }), let facts = greeting["facts"] as? [String: String] else {
            throw TrainerFault.badDescription("its greeting has no name, or facts that are no texts")
        }
        guard facts.count <= Self.mostFacts, facts.allSatisfy({ $0.key.utf8.count <= Self.longestFact && $0.value.utf8.count <= Self.longestFact }) else {
            throw TrainerFault.badDescription("it has more than \(Self.mostFacts) facts, or one of more than \(Self.longestFact) bytes; give digests of what is long")
        }
        self.name = String(name.prefix(ProgramSpec.longestName))
        self.facts = Dictionary(facts.map { (PathText.withoutControls($0.key), PathText.withoutControls($0.value)) }, uniquingKeysWith: { $1 }).merging(ProgramFiles.digests(namedIn: command, from: folder)) { $1 }
    }

    /// One of several devices for each worker, where the user lists them.
    private static func device(of worker: Int) -> [String: String?] {
        let name = "CUDA_VISIBLE_DEVICES", devices = PathText.environment(name)?.split(separator: ",") ?? []
        return devices.count > 1 ? [name: String(devices[worker % devices.count])] : [:]
    }

    private static func patience(_ standard: Double) throws -> Double {
        guard let text = PathText.environment("UNLEARN_TRAINER_PATIENCE") else { return standard }
        guard let seconds = Double(text), (0.1...1e9).contains(seconds) else { throw TrainerFault.badPatience(text) }
        return seconds
    }

    /// A file of a name that was never used.
    func file(_ name: String) -> String {
        files += 1
        return "\(channel.folder.path)/\(name)-\(files).safetensors"
    }

    @discardableResult
    func ask(_ request: TrainerRequest, patience: Double? = nil, _ isInterrupted: () -> Bool) throws -> [String: Any] {
        asked += 1
        let patience = try patience ?? Self.patience(Self.patience)
        do {
            try channel.send(request.line(id: asked), patience: patience, isInterrupted: isInterrupted)
            while true {
                switch try TrainerAnswer(line: channel.receive(patience: patience, isInterrupted: isInterrupted), to: asked) {
                case .progress: continue
                case .ok(let result): return result
                case .error(let message): throw TrainerFault.refused(request: request.words, message: message)
                }
            }
        } catch let broken as ProgramChannel.Broken {
            switch broken {
            case .ended(.exited(126...127), let said) where request.name == "hello":
                throw TrainerFault.notStarted(command: command, reason: "\(TrainerFault.excerpt(said)) (the shell's 'exec' is in front of it: write 'env NAME=VALUE …' for variables)")
            case .ended(let end, let said): throw TrainerFault.ended(request: request.words, status: Self.words(end), said: TrainerFault.excerpt(said))
            case .silent(let seconds): throw TrainerFault.silent(request: request.words, seconds: seconds)
            case .closed: throw TrainerFault.closed(request: request.words)
            case .endless: throw TrainerFault.garbage("a line without an end")
            }
        }
    }

    private static func words(_ end: ProgramOutput.End) -> String {
        switch end {
        case .exited(let status): "status \(status)"
        case .signalled(SIGKILL): "signal 9: somebody killed it, or memory ran out"
        case .signalled(let signal): "signal \(signal)"
        }
    }

    /// Asks it to end, and waits for that a moment; what is left of it ends with this value.
    func shutDown() {
        guard (try? ask(.shutdown, patience: 1) { false }) != nil else { return }
        channel.awaitEnd(seconds: 1)
    }
}
