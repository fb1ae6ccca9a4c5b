import Files
import Training

/// Groups of rows from a comma-separated file: `id,group` a line.
public enum GroupsFile {
    /// The group of each id.
    /// - Throws: `Failure` of kind `input` where a line is no pair or names an id again, or the file holds none.
    public static func read(_ path: String) throws -> [String: String] {
        var groups: [String: String] = [:]
        try CSVFile.forEachRecord(in: path) { line, fields in
            guard fields.count == 2 else { throw Failure(.input, "\(path) line \(line) has \(fields.count) fields; write id,group") }
            guard groups.updateValue(fields[1], forKey: fields[0]) == nil else {
                throw Failure(.input, "\(path) line \(line) names the id '\(fields[0])' again; give each id one group")
            }
        }
        // A first line that names its columns is no row.
        if groups["id"] == "group" { groups["id"] = nil }
        guard !groups.isEmpty else { throw Failure(.input, "\(path) names no groups; write one id,group a line") }
        return groups
    }
}
