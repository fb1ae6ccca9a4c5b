import Files
import Foundation

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
    private enum HeaderValue: Encodable {
        case tensor(Entry)
        case metadata([String: String])

        func encode(to encoder: any Encoder) throws {
            switch self {
            case .tensor(let entry): try entry.encode(to: encoder)
            case .metadata(let texts): try texts.encode(to: encoder)
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

    private static func header(_ bytes: [UInt8], path: String) throws -> (object: [String: Any], dataStart: Int) {
        guard bytes.count >= 8 else { throw Invalid.tooShort(path: path) }
        let claimed = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
        guard claimed <= UInt64(bytes.count - 8) else { throw Invalid.headerTooLong(path: path, length: claimed) }
        let dataStart = 8 + Int(claimed)
        guard let object = try? JSONSerialization.jsonObject(with: Data(bytes[8..<dataStart])) as? [String: Any] else {
            throw Invalid.headerNotJSON(path: path)
        }
        return (object, dataStart)
    }

    /// The texts that a file says of itself; empty where it says none.
    public static func metadata(_ bytes: [UInt8], path: String) throws -> [String: String] {
        try header(bytes, path: path).object[metadataName] as? [String: String] ?? [:]
    }

    /// Reads single-precision tensors, in the order of their places in the file.
    public static func decode(_ bytes: [UInt8], path: String) throws -> NamedTensors {
        var (object, dataStart) = try header(bytes, path: path)
        object[metadataName] = nil
        var found: [(spec: TensorSpec, start: Int, end: Int)] = []
        for (name, value) in object {
            guard let entry = value as? [String: Any], let type = entry["dtype"] as? String,
                let shape = entry["shape"] as? [Int], let places = entry["data_offsets"] as? [Int], places.count == 2,
                places[0] >= 0, places[1] >= places[0], shape.allSatisfy({ $0 >= 0 })
            else { throw Invalid.badTensor(path: path, name: name) }
            guard type == "F32" else { throw Invalid.unsupportedType(path: path, name: name, type: type) }
            var size = 4
            for dimension in shape {
                let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
                guard !overflow else { throw Invalid.badTensor(path: path, name: name) }
                size = product
            }
            guard size == places[1] - places[0] else { throw Invalid.badTensor(path: path, name: name) }
            found.append((TensorSpec(name, shape), places[0], places[1]))
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
        let values = [Float](unsafeUninitializedCapacity: end / 4) { buffer, count in
            count = end / 4
            UnsafeMutableRawBufferPointer(buffer).copyBytes(from: bytes[dataStart...])
        }
        return NamedTensors(layout: ParameterLayout(found.map(\.spec)), values: values)
    }
}
