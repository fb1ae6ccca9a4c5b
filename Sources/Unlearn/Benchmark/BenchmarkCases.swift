import Files

/// Deletions that a benchmark's user chose: one a line, the ids of its rows separated by tabs. Blank lines and lines that begin
/// with `#` are skipped.
public struct BenchmarkCases: Sendable {
    public let lists: [IDList]

    private static let mostBytes = 1 << 26

    public init(reading path: String) throws {
        try self.init(try FileSystem.read(input: path, "the path of the cases", most: Self.mostBytes), path: path)
    }

    package init(_ bytes: [UInt8], path: String) throws {
        lists = try bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated().compactMap { index, line in
            let blanks: [UInt8] = [UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r")]
            guard let first = line.first(where: { !blanks.contains($0) }), first != UInt8(ascii: "#") else { return nil }
            let ids = line.map { $0 == UInt8(ascii: "\t") ? UInt8(ascii: "\n") : $0 }
            return try IDList(ids, path: "case \(index + 1) of \(path)")
        }
        guard !lists.isEmpty else { throw Failure(.input, "\(path) has no case; write one a line, ids separated by tabs") }
    }
}
