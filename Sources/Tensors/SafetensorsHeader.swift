import Files
import Foundation

/// What a safetensors file says of its tensors, with every place within the file.
public struct SafetensorsHeader: Sendable {
    public struct Entry: Sendable, Equatable {
        /// As the file spells it.
        public let type: String
        public let shape: [Int]
        /// Bytes behind `dataStart`, which the file has.
        public let start: Int
        public let end: Int
    }

    public let entries: [String: Entry]
    public let dataStart: Int

    /// What is wrong, said behind the file's name.
    public struct Invalid: Error, Equatable {
        public let what: String
    }

    private static let longest = 1 << 26

    /// - Throws: `Invalid`.
    public init(_ file: borrowing OpenFile) throws {
        let length = try file.regularLength()
        guard length >= 8 else { throw Invalid(what: "is too short for a safetensors file") }
        var claimed: UInt64 = 0
        try withUnsafeMutableBytes(of: &claimed) { try file.read(into: $0, at: 0) }
        claimed = UInt64(littleEndian: claimed)
        guard claimed <= UInt64(min(length - 8, Self.longest)) else { throw Invalid(what: "claims a header longer than the file") }
        var json = [UInt8](repeating: 0, count: Int(claimed))
        try json.withUnsafeMutableBytes { if !$0.isEmpty { try file.read(into: $0, at: 8) } }
        guard let object = try? JSONSerialization.jsonObject(with: Data(json)) as? [String: Any] else { throw Invalid(what: "has a header that is no JSON object") }
        dataStart = 8 + json.count
        var entries: [String: Entry] = [:]
        for (name, value) in object where name != "__metadata__" {
            guard let entry = value as? [String: Any], let type = entry["dtype"] as? String, let shape = entry["shape"] as? [Int], let places = entry["data_offsets"] as? [Int],
                places.count == 2, places[0] >= 0, places[1] >= places[0]
            else { throw Invalid(what: "has an unreadable header for tensor '\(name)'") }
            guard places[1] <= length - dataStart else { throw Invalid(what: "ends before tensor '\(name)' does") }
            entries[name] = Entry(type: type, shape: shape, start: places[0], end: places[1])
        }
        var end = 0
        for entry in entries.values.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
            guard entry.start == end else { throw Invalid(what: "has tensors that overlap or leave gaps") }
            end = entry.end
        }
        guard end == length - dataStart else { throw Invalid(what: "has \(length - dataStart - end) bytes behind its last tensor") }
        self.entries = entries
    }
}
