import Files
import Training

/// Groups of rows from a comma-separated file: `id,group` a line.
public struct GroupsFile: Sendable {
    /// Where they came from, for messages.
    public let path: String
    /// The group and the line of each id, in the one spelling that ids have.
    let entries: [String: (group: String, line: Int)]

    /// The group of each id.
    public var groups: [String: String] { entries.mapValues(\.group) }

    /// - Throws: `Failure` of kind `input` where a line is no pair or names an id again, or the file holds none.
    public init(reading path: String) throws {
        var entries: [String: (group: String, line: Int)] = [:]
        try CSVFile.forEachRecord(in: path) { line, fields in
            guard fields.count == 2 else { throw Failure(.input, "\(path) line \(line) has \(fields.count) fields; write id,group") }
            if let fault = NameText.fault(fields[0], "an id") ?? NameText.fault(fields[1], "a group") { throw Failure(.input, "\(path) line \(line) \(fault)") }
            let id = IDList.canonical(fields[0])
            guard entries.updateValue((fields[1], line), forKey: id) == nil else {
                throw Failure(.input, "\(path): \(IDList.quoted(id, line: line)) is named again; give each id one group")
            }
        }
        // A first line that names its columns is no row.
        if entries["id"]?.group == "group" { entries["id"] = nil }
        guard !entries.isEmpty else { throw Failure(.input, "\(path) names no groups; write one id,group a line") }
        (self.path, self.entries) = (path, entries)
    }

    /// The same of groups that are in memory already.
    public init(_ groups: [String: String], path: String = "groups") {
        self.path = path
        // Lines are counted by id, so that messages do not depend on a dictionary's order.
        let lines = groups.keys.sorted().enumerated().map { ($1, (group: groups[$1]!, line: $0 + 1)) }
        entries = Dictionary(lines.map { (IDList.canonical($0), $1) }) { first, _ in first }
    }
}
