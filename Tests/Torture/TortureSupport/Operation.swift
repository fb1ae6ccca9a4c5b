/// One command that is disturbed. Whoever adds a command to the program adds it here, and every experiment has it.
public struct Operation: Sendable {
    public enum Effect: Sendable {
        /// Makes the project.
        case creates
        /// Adds blocks; whole ones stay, whatever ends the command.
        case trains
        /// All of it or nothing.
        case deletes
        /// The same of the requests that wait; rows and weights stay as they are.
        case queues
        /// Leaves rows and weights as they are, whatever it does to files.
        case nothing
    }

    public let name: String
    public let effect: Effect
    let arguments: [String]
    /// The rows that it deletes.
    let ids: [String]
    /// Handed to it on standard input.
    let input: String

    /// - Parameter list: what stands on standard input; nil: the rows that it deletes.
    init(_ name: String, _ effect: Effect, _ arguments: [String], ids: [String] = [], list: [String]? = nil) {
        self.name = name
        self.effect = effect
        self.arguments = arguments
        self.ids = ids
        input = (list ?? ids).map { $0 + "\n" }.joined()
    }

    static func initialise(_ sample: Sample) -> Operation { Operation("init", .creates, sample.initialiseArguments) }
    static let train = Operation("train", .trains, ["train", "--threads", "1"])
    static let check = Operation("check", .nothing, ["check", "--read-data"])
    static let compact = Operation("compact", .nothing, ["compact"])

    static func delete(_ ids: [String], _ more: String...) -> Operation {
        Operation("delete", .deletes, ["delete", "--ids", "-", "--threads", "1"] + more, ids: ids)
    }

    static func add(_ ids: [String]) -> Operation { Operation("request add", .queues, ["request", "add", "--ids", "-"], list: ids) }
    static func withdraw(_ request: String) -> Operation { Operation("request withdraw", .queues, ["request", "withdraw", request]) }
    /// - Parameter ids: live rows of the requests that wait.
    static func run(_ ids: [String]) -> Operation { Operation("request run", .deletes, ["request", "run", "--threads", "1", "--yes"], ids: ids, list: []) }

    /// A project's life from its beginning, one operation of each kind.
    static func life(of sample: Sample, _ program: Program) throws -> [Operation] {
        var life = [initialise(sample), train, delete(["1", "7", "test:1"], "--method", "exact")]
        // R2 shares a row with R3; both are carried out in one run, but for R4.
        if try program.knows("request") { life += [add(["3", "12"]), add(["12", "test:2"]), add(["20"]), withdraw("R4"), run(["3", "12", "test:2"])] }
        if try program.knows("compact") { life.append(compact) }
        return life + [check]
    }
}

extension Program {
    /// Whether the program has a command.
    func knows(_ command: String) throws -> Bool { try run([command, "--help"]).status == 0 }
}
