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

    /// The beginning of a file: the header's length and the header, padded with spaces so that the tensors begin at a multiple of 8.
    /// - Parameters:
    ///   - tensors: in the order in which they lie in the file, without gaps.
    ///   - metadata: texts that the format lets a file say of itself.
    public static func bytes(of tensors: [(name: String, type: String, shape: [Int], bytes: Int)], metadata: [String: String] = [:]) throws -> [UInt8] {
        var header: [String: Written] = metadata.isEmpty ? [:] : [metadataName: .metadata(metadata)], end = 0
        for tensor in tensors {
            header[tensor.name] = .tensor(WrittenEntry(dtype: tensor.type, shape: tensor.shape, data_offsets: [end, end + tensor.bytes]))
            end += tensor.bytes
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var json = [UInt8](try encoder.encode(header))
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
    }

    static let metadataName = "__metadata__"

    private struct WrittenEntry: Encodable {
        let dtype: String
        let shape: [Int]
        let data_offsets: [Int]
    }

    /// What stands in the header: a tensor's place, or texts about the whole file.
    private enum Written: Encodable {
        case tensor(WrittenEntry)
        case metadata([String: String])

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .tensor(let entry): try entry.encode(to: encoder)
            case .metadata(let texts): try texts.encode(to: encoder)
            }
        }
    }

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
        for (name, value) in object where name != Self.metadataName {
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
