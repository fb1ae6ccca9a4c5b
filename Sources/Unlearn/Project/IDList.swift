import Files
import Foundation
import Glibc

/// Row ids from a file: one a line, UTF-8; blank lines and lines that begin with `#` are skipped; repeats count once.
public struct IDList: Sendable {
    /// Lists are read whole; a longer one is a device or another file.
    private static let mostBytes = 1 << 30

    /// Where the list came from, for messages.
    public let path: String
    /// In the order of their first appearance, with 1-based line numbers.
    public let entries: [(id: String, line: Int)]

    /// - Parameter path: a file, or `-` for standard input.
    public init(reading path: String) throws {
        let bytes: [UInt8]
        if path == "-" {
            bytes = try Self.standardInput()
        } else {
            bytes = try FileSystem.read(input: path, "the path of the id list", most: Self.mostBytes)
        }
        try self.init(bytes, path: path == "-" ? "standard input" : path)
    }

    package init(_ bytes: [UInt8], path: String) throws {
        self.path = path
        var entries: [(id: String, line: Int)] = []
        var seen: Set<String> = []
        // The byte order mark that some editors write is no part of the first id.
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
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
            let name = Self.canonical(String(id))
            if seen.insert(name).inserted { entries.append((name, index + 1)) }
        }
        guard !entries.isEmpty else { throw Failure(.input, "\(path) names no ids; write one id a line") }
        self.entries = entries
    }

    /// The one spelling of an id whose characters can be coded in several ways (Unicode's form C), here and in the store.
    package static func canonical(_ id: String) -> String { id.precomposedStringWithCanonicalMapping }

    /// Whether a line of a list can name this id; rows under any other could never be deleted.
    package static func canName(_ id: String) -> Bool {
        let edges = [id.unicodeScalars.first, id.unicodeScalars.last]
        return !id.isEmpty && edges[0] != "#" && !edges.contains(" ") && !edges.contains("\t")
            && !id.unicodeScalars.contains { $0 == "\n" || $0 == "\r" || $0 == "\0" }
    }

    /// Ids still to be found, with their lines.
    var pending: [String: Int] { Dictionary(uniqueKeysWithValues: entries.map { ($0.id, $0.line) }) }

    /// Throws with the first ten of the ids that were not found.
    func expectNothingPending(_ pending: [String: Int], _ fault: String) throws {
        try expectNone(pending.map { ($0.key, $0.value) }.sorted { $0.1 < $1.1 }, fault, "correct the list")
    }

    func expectNone(_ wrong: [(id: String, line: Int)], _ fault: String, _ advice: String) throws {
        guard !wrong.isEmpty else { return }
        let named = wrong.prefix(10).map { "'\($0.id.prefix(40))' (line \($0.line))" }.joined(separator: ", ")
        let rest = wrong.count > 10 ? " and \(wrong.count - 10) more" : ""
        let isTable = wrong.prefix(10).allSatisfy { $0.id.contains(",") }
        throw Failure(.input, "\(path): \(wrong.count == 1 ? "" : "each of ")\(named)\(rest) \(fault); \(isTable ? "a list has one id a line, and this looks like a table" : advice)")
    }

    private static func standardInput() throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = Glibc.read(STDIN_FILENO, &chunk, chunk.count)
            // Ctrl-C while waiting for input.
            if count < 0 && errno == EINTR { throw Failure.interrupted }
            guard count >= 0 else { throw SystemCallError(operation: "read", path: "standard input", code: errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= mostBytes else { throw Failure(.input, "standard input goes on behind \(mostBytes) bytes; give a shorter list") }
        }
    }
}
