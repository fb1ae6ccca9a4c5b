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

    /// The file's bytes.
    /// - Parameter metadata: texts that the format lets a file say of itself.
    public static func encode(_ tensors: NamedTensors, metadata: [String: String] = [:]) throws -> [UInt8] {
        let head = try SafetensorsHeader.bytes(of: tensors.layout.tensors.map { ($0.name, "F32", $0.shape, $0.count * 4) }, metadata: metadata)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.count + tensors.values.count * 4)
        bytes += head
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
        try header(bytes, path: path).object[SafetensorsHeader.metadataName] as? [String: String] ?? [:]
    }

    /// Reads single-precision tensors, in the order of their places in the file.
    public static func decode(_ bytes: [UInt8], path: String) throws -> NamedTensors {
        var (object, dataStart) = try header(bytes, path: path)
        object[SafetensorsHeader.metadataName] = nil
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
