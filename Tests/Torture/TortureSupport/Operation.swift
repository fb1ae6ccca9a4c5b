/// One command that is disturbed. Whoever adds a command to the program adds it here, and every experiment has it.
public struct Operation: Sendable {
    public enum Effect: Sendable {
        /// Makes the project.
        case creates
        /// Adds blocks; whole ones stay, whatever ends the command.
        case trains
        /// All of it or nothing.
        case deletes
        /// Leaves rows and weights as they are, whatever it does to files.
        case nothing
    }

    public let name: String
    public let effect: Effect
    let arguments: [String]
    /// The rows that it deletes, handed to it on standard input.
    let ids: [String]
    var input: String { ids.map { $0 + "\n" }.joined() }

    init(_ name: String, _ effect: Effect, _ arguments: [String], ids: [String] = []) {
        self.name = name
        self.effect = effect
        self.arguments = arguments
        self.ids = ids
    }

    static func initialise(_ sample: Sample) -> Operation { Operation("init", .creates, sample.initialiseArguments) }
    static let train = Operation("train", .trains, ["train", "--threads", "1"])
    static let check = Operation("check", .nothing, ["check", "--read-data"])
    static let compact = Operation("compact", .nothing, ["compact"])

    static func delete(_ ids: [String], _ more: String...) -> Operation {
        Operation("delete", .deletes, ["delete", "--ids", "-", "--threads", "1"] + more, ids: ids)
    }

    /// A project's life from its beginning, one operation of each kind.
    static func life(of sample: Sample, _ program: Program) throws -> [Operation] {
        var life = [initialise(sample), train, delete(["1", "7", "test:1"], "--method", "exact")]
        if try program.knows("compact") { life.append(compact) }
        return life + [check]
    }
}

extension Program {
    /// Whether the program has a command.
    func knows(_ command: String) throws -> Bool { try run([command, "--help"]).status == 0 }
}
