import Files
import FoundationEssentials

/// The safetensors container (huggingface.co/docs/safetensors, format): an 8-byte little-endian header length, a JSON
/// header, then the tensors' bytes without gaps.
public enum Safetensors {
    /// Each way in which a file can be wrong.
    public enum Invalid: DescribedError, Equatable {
        case tooShort(path: String)
        case headerTooLong(path: String, length: UInt64)
        case headerNotJSON(path: String)
        case badTensor(path: String, name: String)
        case unsupportedType(path: String, name: String, type: String)
        case gapsOrOverlaps(path: String)
        case lengthMismatch(path: String, expected: Int, found: Int)

        public var kind: FailureKind { .input }

        public var description: String {
            switch self {
            case .tooShort(let path): "\(path) is too short for a safetensors file; export it again"
            case .headerTooLong(let path, _): "\(path) claims a header that is longer than the file; export it again"
            case .headerNotJSON(let path): "\(path) has a header that is not a JSON object of tensors"
            case .badTensor(let path, let name): "\(path): tensor '\(name)' has an unusable shape or place"
            case .unsupportedType(let path, let name, let type): "\(path): tensor '\(name)' has type \(type); only F32 is read"
            case .gapsOrOverlaps(let path): "\(path): its tensors overlap or leave gaps"
            case .lengthMismatch(let path, let expected, let found): "\(path) has \(found) bytes of tensors where its header names \(expected)"
            }
        }
    }

    private struct Entry: Codable {
        let dtype: String
        let shape: [Int]
        let data_offsets: [Int]
    }

    /// What stands in the header: a tensor's place, or texts about the whole file.
    private enum HeaderValue: Codable {
        case tensor(Entry)
        case metadata([String: String])
        /// Neither; files of other programs may hold it, and reading their tensors refuses it.
        case other

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let entry = try? value.decode(Entry.self) {
                self = .tensor(entry)
            } else {
                self = (try? value.decode([String: String].self)).map(HeaderValue.metadata) ?? .other
            }
        }

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .tensor(let entry): try entry.encode(to: encoder)
            case .metadata(let texts): try texts.encode(to: encoder)
            case .other: preconditionFailure("nothing else is written")
            }
        }
    }

    private static let metadataName = "__metadata__"

    /// The file's bytes. The header is padded with spaces so that the tensors begin at a multiple of 8.
    /// - Parameter metadata: texts that the format lets a file say of itself.
    public static func encode(_ tensors: NamedTensors, metadata: [String: String] = [:]) throws -> [UInt8] {
        var header: [String: HeaderValue] = metadata.isEmpty ? [:] : [metadataName: .metadata(metadata)]
        for (index, tensor) in tensors.layout.tensors.enumerated() {
            let start = tensors.layout.offsets[index] * 4
            header[tensor.name] = .tensor(Entry(dtype: "F32", shape: tensor.shape, data_offsets: [start, start + tensor.count * 4]))
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var json = [UInt8](try encoder.encode(header))
        while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + json.count + tensors.values.count * 4)
        withUnsafeBytes(of: UInt64(json.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: json)
        tensors.values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        return bytes
    }

    private static func header(_ bytes: [UInt8], path: String) throws -> (values: [String: HeaderValue], dataStart: Int) {
        guard bytes.count >= 8 else { throw Invalid.tooShort(path: path) }
        let claimed = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard claimed <= UInt64(bytes.count - 8) else { throw Invalid.headerTooLong(path: path, length: claimed) }
        let dataStart = 8 + Int(claimed)
        guard let values = try? JSONDecoder().decode([String: HeaderValue].self, from: Data(bytes[8..<dataStart])) else {
            throw Invalid.headerNotJSON(path: path)
        }
        return (values, dataStart)
    }

    /// The texts that a file says of itself; empty where it says none.
    public static func metadata(_ bytes: [UInt8], path: String) throws -> [String: String] {
        guard case .metadata(let texts) = try header(bytes, path: path).values[metadataName] else { return [:] }
        return texts
    }

    /// Reads single-precision tensors, in the order of their places in the file.
    public static func decode(_ bytes: [UInt8], path: String) throws -> NamedTensors {
        var (values, dataStart) = try header(bytes, path: path)
        values[metadataName] = nil
        var found: [(spec: TensorSpec, start: Int, end: Int)] = []
        for (name, value) in values {
            guard case .tensor(let entry) = value, case let places = entry.data_offsets, places.count == 2, places[0] >= 0, places[1] >= places[0],
                entry.shape.allSatisfy({ $0 >= 0 })
            else { throw Invalid.badTensor(path: path, name: name) }
            guard entry.dtype == "F32" else { throw Invalid.unsupportedType(path: path, name: name, type: entry.dtype) }
            var size = 4
            for dimension in entry.shape {
                let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
                guard !overflow else { throw Invalid.badTensor(path: path, name: name) }
                size = product
            }
            guard size == places[1] - places[0] else { throw Invalid.badTensor(path: path, name: name) }
            found.append((TensorSpec(name, entry.shape), places[0], places[1]))
        }
        found.sort { ($0.start, $0.end, $0.spec.name) < ($1.start, $1.end, $1.spec.name) }
        var end = 0
        for tensor in found {
            guard tensor.start == end else { throw Invalid.gapsOrOverlaps(path: path) }
            end = tensor.end
        }
        guard end == bytes.count - dataStart else {
            throw Invalid.lengthMismatch(path: path, expected: end, found: bytes.count - dataStart)
        }
        let numbers = [Float](unsafeUninitializedCapacity: end / 4) { buffer, count in
            count = end / 4
            UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes[dataStart...])
        }
        return NamedTensors(layout: ParameterLayout(found.map(\.spec)), values: numbers)
    }
}
