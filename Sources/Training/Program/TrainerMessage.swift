import Foundation
import Tensors

/// What the engine asks of a program (Documentation/TrainerProtocol.md).
enum TrainerRequest {
    /// - Parameter shape: of a row; nil: the program holds the rows.
    case hello(engine: String, shape: [Int]?, classNames: [String], worker: Int)
    case describe
    case initialise(seed: UInt64, result: String)
    case train(Place, rows: String, slots: Int, state: String, result: String)
    case score(rows: String, state: String, result: String)
    /// Of rows that the program holds: to erase some, wherever it has them.
    case forget(request: String, rows: String)
    case shutdown

    static let version = 1

    /// Which block is trained, and how.
    struct Place {
        let block: Int
        let depth: Int
        let branch: Int?
        let rate: Float
        let epochs: Int
        let seed: UInt64
    }

    var name: String {
        switch self {
        case .hello: "hello"
        case .describe: "describe"
        case .initialise: "initialise"
        case .train: "train"
        case .score: "score"
        case .forget: "forget"
        case .shutdown: "shutdown"
        }
    }

    /// What it asks for, behind "asked to".
    var words: String {
        switch self {
        case .hello: "say hello"
        case .describe: "describe its tensors"
        case .initialise: "make the first state"
        case .train(let place, _, _, _, _): "train block \(place.block)"
        case .score: "score rows"
        case .forget(let request, _): "erase the rows of \(request)"
        case .shutdown: "end"
        }
    }

    /// One line, without its end.
    func line(id: Int) throws -> [UInt8] {
        var object: [String: Any] = ["id": id, "do": name]
        switch self {
        case .hello(let engine, let shape, let classNames, let worker):
            object["protocol"] = Self.version
            object["engine"] = engine
            object["rows"] = ["shape": shape ?? [], "held_by": shape == nil ? "trainer" : "engine", "classes": classNames.count, "class_names": classNames] as [String: Any]
            object["worker"] = worker
        case .describe, .shutdown: break
        case .initialise(let seed, let result):
            object["seed"] = seed
            object["result"] = result
        case .train(let place, let rows, let slots, let state, let result):
            object["block"] = place.block
            object["depth"] = place.depth
            object["branch"] = place.branch ?? NSNull()
            // The shortest digits that are this float, not those of the double that it also is.
            object["rate"] = NSDecimalNumber(string: "\(place.rate)")
            object["epochs"] = place.epochs
            object["seed"] = place.seed
            object["rows"] = rows
            object["slots"] = slots
            object["state"] = state
            object["result"] = result
        case .score(let rows, let state, let result):
            object["rows"] = rows
            object["state"] = state
            object["result"] = result
        case .forget(let request, let rows):
            object["request"] = request
            object["rows"] = rows
        }
        return [UInt8](try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes]))
    }
}

/// What a program says.
enum TrainerAnswer {
    /// That it is alive; how far it is, nobody asks yet.
    case progress
    case ok([String: Any])
    case error(String)

    /// - Throws: `TrainerFault.garbage`; `TrainerFault.outOfTurn`.
    init(line: [UInt8], to id: Int) throws {
        func garbage() -> TrainerFault { .garbage(TrainerFault.excerpt(String(decoding: line.prefix(200), as: UTF8.self))) }
        guard let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any], let number = object["id"] as? Int else { throw garbage() }
        guard number == id else { throw TrainerFault.outOfTurn(asked: id, answered: number) }
        if let text = object["error"] as? String { self = .error(TrainerFault.excerpt(text)) }
        else if let result = object["ok"] as? [String: Any] { self = .ok(result) }
        else if object["progress"] is Double { self = .progress }
        else { throw garbage() }
    }
}
