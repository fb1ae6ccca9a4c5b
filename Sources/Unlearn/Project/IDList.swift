import Files
import Foundation
import Glibc
import Training

/// Row ids from a file: one a line, UTF-8; blank lines and lines that begin with `#` are skipped; repeats count once.
public struct IDList: Sendable {
    /// Lists are read whole; a longer one is a device or another file.
    private static let mostBytes = 1 << 30

    /// Where the list came from, for messages.
    public let path: String
    /// In the order of their first appearance, with 1-based line numbers.
    public let entries: [(id: String, line: Int)]
    /// Ids that come again, once each, with the line of their first repetition.
    public let repeated: [(id: String, line: Int)]

    /// - Parameters:
    ///   - path: a file, a pipe such as `<(…)`, or `-` for standard input.
    ///   - column: the name of the column that holds the ids of a comma-separated file with a header; nil: one id a line.
    public init(reading path: String, column: String? = nil) throws {
        let bytes: [UInt8]
        if path == "-" {
            bytes = try FileSystem.readToEnd(STDIN_FILENO, "standard input", most: Self.mostBytes)
        } else {
            bytes = try FileSystem.read(input: path, "the path of the id list", most: Self.mostBytes, digits: .mayBeMeant)
        }
        let path = path == "-" ? "standard input" : path
        guard !bytes.starts(with: [0x1F, 0x8B]) else { throw Failure(.input, "\(path) is compressed; give the list as text, for instance <(zcat FILE)") }
        if let column { try self.init(table: bytes, path: path, column: column) } else { try self.init(bytes, path: path) }
    }

    /// The ids in one column of a comma-separated file with a header; other columns say nothing here.
    package init(table bytes: [UInt8], path: String, column: String) throws {
        var place: Int?
        var builder = Builder()
        try CSVFile.forEachRecord(in: bytes, path: path, column: column) { line, fields in
            guard let column = place else {
                let places = fields.indices.filter { fields[$0] == column }
                guard places.count == 1 else {
                    let what = places.isEmpty ? "has no column '\(column.prefix(80))'" : "has \(places.count) columns '\(column.prefix(80))'"
                    // A header that is a key's digits is a copy of a key, and is shown no more than a key is.
                    guard !fields.contains(where: Self.mayShowKey) else { throw Failure(.input, "\(path) \(what), and is no table of ids") }
                    throw Failure(.input, "\(path) \(what); its columns are \(fields.prefix(20).map { "'\($0.prefix(80))'" }.joined(separator: ", "))")
                }
                place = places[0]
                return
            }
            guard fields.indices.contains(column) else { throw Failure(.input, "\(path) line \(line) has only \(fields.count) fields; complete the line") }
            let id = fields[column].trimmingCharacters(in: CharacterSet(charactersIn: " \t"))
            guard !id.isEmpty else { throw Failure(.input, "\(path) line \(line) has no id in column \(column + 1); complete the line") }
            if let fault = NameText.fault(id, "an id") { throw Failure(.input, "\(path) line \(line) \(fault)") }
            builder.add(Self.canonical(id), line: line)
        }
        guard !builder.entries.isEmpty else { throw Failure(.input, "\(path) names no ids; write a line for each under the header") }
        self.path = path
        (entries, repeated) = (builder.entries, builder.repeated)
    }

    /// Collects ids in the order of their first appearance.
    private struct Builder {
        var entries: [(id: String, line: Int)] = []
        var repeated: [(id: String, line: Int)] = []
        private var times: [String: Int] = [:]

        mutating func add(_ id: String, line: Int) {
            let time = (times[id] ?? 0) + 1
            times[id] = time
            if time == 1 { entries.append((id, line)) }
            if time == 2 { repeated.append((id, line)) }
        }
    }

    package init(_ bytes: [UInt8], path: String) throws {
        self.path = path
        var builder = Builder()
        // The byte order mark that some editors write is no part of the first id.
        var start = 0
        while bytes[start...].starts(with: [0xEF, 0xBB, 0xBF]) { start += 3 }
        let bytes = bytes[start...]
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if let place = line.firstIndex(of: 0) {
                throw Failure(
                    .input, "\(path) line \(index + 1) has a zero byte (NUL) behind \(place - line.startIndex) others, which no text has: it is UTF-16, damaged or no list; "
                        + "write it as UTF-8 text")
            }
            guard let text = String(validating: line, as: UTF8.self) else {
                throw Failure(.input, "\(path) line \(index + 1) is not UTF-8 text; convert the file")
            }
            // Swift takes CR LF for one character: the bytes were cut at LF, so a CR can only be the last.
            var id = Substring(text)
            while let last = id.unicodeScalars.last, last == "\r" || last == " " || last == "\t" { id.unicodeScalars.removeLast() }
            while let first = id.unicodeScalars.first, first == " " || first == "\t" { id.unicodeScalars.removeFirst() }
            // By scalars: "#" with a combining mark behind it is another character, and a comment all the same.
            if id.isEmpty || id.unicodeScalars.first == "#" { continue }
            guard !id.unicodeScalars.contains("\r") else {
                throw Failure(.input, "\(path) line \(index + 1) has a carriage return inside; end lines with a line feed")
            }
            if let fault = NameText.fault(id, "an id") { throw Failure(.input, "\(path) line \(index + 1) \(fault)") }
            builder.add(Self.canonical(String(id)), line: index + 1)
        }
        guard !builder.entries.isEmpty else { throw Failure(.input, "\(path) names no ids; write one id a line") }
        (entries, repeated) = (builder.entries, builder.repeated)
    }

    /// The one spelling of an id whose characters can be coded in several ways (Unicode's form C), here and in the store. Digests of ids are
    /// made of it, so that it stays as it is: the standard library's own tables differ in a few hundred characters, and an id that is spelled
    /// with them would no longer be found, or be another's.
    package static func canonical(_ id: String) -> String { id.precomposedStringWithCanonicalMapping }

    /// Whether a line of a list can name this id; rows under any other could never be deleted.
    package static func canName(_ id: String) -> Bool {
        let edges = [id.unicodeScalars.first, id.unicodeScalars.last]
        return !id.isEmpty && edges[0] != "#" && !edges.contains(" ") && !edges.contains("\t")
            && !id.unicodeScalars.contains { $0 == "\n" || $0 == "\r" || $0 == "\0" }
    }

    /// Whether an id holds so many hexadecimal digits in a row that they may be a secret key's: a row may be called so, too.
    package static func mayShowKey(_ id: some StringProtocol) -> Bool { SecretFile.mayShowKey(id) }

    /// How an id is shown in messages, and in what is written about ids that name no row: never in full where a copy of a key may
    /// have been given for a list.
    static func shown(_ id: String, line: Int) -> String { mayShowKey(id) ? "the id in line \(line)" : id }

    /// The same with quotation marks and the line, for messages.
    static func quoted(_ id: String, line: Int) -> String {
        mayShowKey(id) ? "the id in line \(line)" : "'\(id.prefix(80))' (line \(line))"
    }

    /// Ids still to be found, with their lines.
    var pending: [String: Int] { Dictionary(uniqueKeysWithValues: entries.map { ($0.id, $0.line) }) }

    /// Throws with the first ten of the ids that were not found.
    func expectNothingPending(_ pending: [String: Int], _ fault: String) throws {
        try expectNone(pending.map { ($0.key, $0.value) }.sorted { $0.1 < $1.1 }, fault, "correct the list")
    }

    func expectNone(_ wrong: [(id: String, line: Int)], _ fault: String, _ advice: String) throws {
        guard !wrong.isEmpty else { return }
        throw Failure(.input, "\(path): \(named(wrong)) \(fault); \(looksLikeTable(wrong) ? Self.tableAdvice : advice)")
    }

    /// The first ten of some ids with their lines.
    func named(_ ids: [(id: String, line: Int)]) -> String { Self.named(ids) }

    static func named(_ ids: [(id: String, line: Int)]) -> String {
        let named = ids.prefix(10).map { quoted($0.id, line: $0.line) }.joined(separator: ", ")
        return (ids.count == 1 ? "" : "each of ") + named + (ids.count > 10 ? " and \(ids.count - 10) more" : "")
    }

    static let tableAdvice = "a list has one id a line, and this looks like a table: name its column of ids with --id-column"

    func looksLikeTable(_ unknown: [(id: String, line: Int)]) -> Bool { !unknown.isEmpty && unknown.prefix(10).allSatisfy { $0.id.contains(",") } }
}
