import Files
import Foundation

/// What can be seen of a project from outside: equal when they are the same project in the same state.
public struct Standing: Equatable, Sendable {
    public let blocksTrained: Int
    public let stateDigest: String?
    /// Part, block and slot of every row.
    let places: [String: String]
    public let deleted: Set<String>
    /// Requests that wait.
    let waiting: Int

    var description: String { "\(blocksTrained) blocks, state \(stateDigest?.prefix(8) ?? "-"), deleted \(deleted.sorted()), \(waiting) waiting" }
}

/// A project under test, and what every call to it must keep to.
public struct Subject: Sendable {
    public let program: Program
    public let folder: String
    public let sample: Sample

    init(_ program: Program, _ folder: String, _ sample: Sample) {
        self.program = program
        self.folder = folder
        self.sample = sample
    }

    func moved(to folder: String) -> Subject { Subject(program, folder, sample) }

    /// Runs a command, which may fail but must do so in order: no signal, no hanging, a known code, and one line.
    func call(_ arguments: [String], input: String = "", with environment: [String: String] = [:]) throws -> Program.Result {
        let result = try program.run(["-C", folder] + arguments, input: input, with: environment)
        let command = arguments[0]
        switch result.end {
        case .signal(let number): throw Finding("\(command) ended by signal \(number): \(result.errors.suffix(300))")
        case .hung: throw Finding("\(command) hung for \(program.limit) s")
        case .killed: throw Finding("\(command) was killed")
        case .exit(0): break
        case .exit(let status):
            guard [1, 2, 4, 5, 10].contains(status) else { throw Finding("\(command) exited \(status): \(result.errors)") }
            // A check that finds faults is a check that works: its findings are its result.
            if command == "check", status == 4, result.errors.isEmpty, !result.output.isEmpty { break }
            guard result.errors.last == "\n", result.errors.filter({ $0 == "\n" }).count == 1 else {
                throw Finding("\(command) exited \(status) with other than one line on standard error: '\(result.errors)'")
            }
        }
        return result
    }

    func call(_ operation: Operation, with environment: [String: String] = [:]) throws -> Program.Result {
        try call(operation.arguments, input: operation.input, with: environment)
    }

    /// A command that must succeed.
    @discardableResult
    func succeed(_ operation: Operation, _ when: String) throws -> Program.Result {
        let result = try call(operation)
        guard result.status == 0 else {
            throw Finding("\(operation.name) \(when) exited \(result.status ?? -1): \((result.errors + result.output).prefix(400))")
        }
        return result
    }

    /// Nil where there is no project.
    func standing() throws -> Standing? {
        let status = try call(["status", "--json", "--threads", "1"])
        if status.status == 10 { return nil }
        let summary = try object(status)
        let rows = try object(call(["where", "--ids", "-", "--json"], input: sample.ids.map { $0 + "\n" }.joined()))
        guard let blocks = summary["blocks_trained"] as? Int, let list = rows["rows"] as? [[String: Any]] else {
            throw Finding("status or where lack their fields")
        }
        var places: [String: String] = [:]
        var deleted: Set<String> = []
        for row in list {
            guard let id = row["id"] as? String else { throw Finding("where names a row without an id") }
            places[id] = "\(row["part"] ?? "") \(row["block"] ?? "") \(row["slot"] ?? "")"
            if row["deleted"] as? Bool == true { deleted.insert(id) }
        }
        return Standing(blocksTrained: blocks, stateDigest: summary["state_digest"] as? String, places: places, deleted: deleted, waiting: summary["requests_waiting"] as? Int ?? 0)
    }

    /// The weights of a state (nil: the current one) as an exported file.
    func weights(block: Int? = nil) throws -> [UInt8] {
        let path = folder + "-weights.safetensors"
        defer { try? FileSystem.removeTree(path) }
        let result = try call(["export", "--out", path] + (block.map { ["--block", "\($0)"] } ?? []))
        guard result.status == 0 else { throw Finding("export exited \(result.status ?? -1): \(result.errors)") }
        return try Self.weights(in: path)
    }

    /// Those of an exported file: what stands behind its header, which also says how many requests had been answered.
    static func weights(in path: String) throws -> [UInt8] {
        let bytes = try Tree.read(path), header = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        return Array(bytes.dropFirst(8 + header))
    }

    private func object(_ result: Program.Result) throws -> [String: Any] {
        guard result.status == 0 else { throw Finding("a reader exited \(result.status ?? -1): \(result.errors)") }
        guard let object = try? JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any] else {
            throw Finding("not one JSON object: \(result.output.prefix(200))")
        }
        return object
    }
}
