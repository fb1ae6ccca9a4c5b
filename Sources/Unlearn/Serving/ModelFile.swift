import Checkpoints
import Files
import Tensors
import Training

/// A file that `export` wrote and that can be read back: its tensors, and what it says of itself.
struct ModelFile {
    enum Content {
        case network(NamedTensors)
        /// Of a program of the user's: as its own tensors count it.
        case program(LatticeVector, ParameterLayout)
    }

    let content: Content
    let description: ModelDescription
    /// The description as it stands there.
    let json: String

    /// What whoever gave another file can do.
    private static let advice = "models are read from .safetensors and .npz files: 'unlearn export --out FILE.safetensors' writes one"
    private static let mostBytes = 1 << 32
    private static let longestDescription = 1 << 24

    /// - Throws: `Failure` of kind `input` where it is no such file.
    init(reading path: String) throws {
        guard !path.hasSuffix(".onnx") else { throw Failure(.input, "\(path) is for ONNX runtimes, and cannot be read back; \(Self.advice)") }
        (content, description, json) = try path.hasSuffix(".npz") ? Self.archive(path) : Self.safetensors(path)
    }

    /// The tensors as a state of the network that the description names.
    func state(_ path: String) throws -> LatticeVector {
        switch content {
        case .network(let tensors): try tensors.state(of: description.makeTrainer(threads: 1), path: path)
        case .program(let state, _): state
        }
    }

    private static func safetensors(_ path: String) throws -> (Content, ModelDescription, String) {
        let bytes = try FileSystem.read(input: path, most: mostBytes), tensors: NamedTensors
        if path.hasSuffix(".safetensors"), let json = try Safetensors.metadata(bytes, path: path)[ModelDescription.name],
            case let description = try ModelDescription(json: json, path: path), let program = description.program
        {
            try expectStrict(header: Array(bytes[8..<8 + bytes.withUnsafeBytes { Int(UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))) }]), path)
            let states = StateFile(program.tensors)
            return (.program(try states.state(of: path), states.layout), description, json)
        }
        do { tensors = try Safetensors.decode(bytes, path: path) } catch let error as any DescribedError where !path.hasSuffix(".safetensors") {
            throw Failure(error.kind, "\(error.description); \(advice)")
        }
        // As the description is: what other readers of the file could take differently is refused.
        let header = Array(bytes[8..<(bytes.count - tensors.values.count * MemoryLayout<Float>.stride)])
        try expectStrict(header: header, path)
        guard let json = try Safetensors.metadata(bytes, path: path)[ModelDescription.name] else { throw undescribed(path) }
        return (.network(tensors), try ModelDescription(json: json, path: path), json)
    }

    private static func expectStrict(header: [UInt8], _ path: String) throws {
        do { try StrictJSON.validate(header) } catch { throw Failure(.input, "\(path) has \(error.what) in its header; export it again") }
    }

    /// The description says which tensors there are; others of the archive are not looked at.
    private static func archive(_ path: String) throws -> (Content, ModelDescription, String) {
        let archive = try NPZReader(path)
        guard let text = try archive.array(ModelDescription.name) else { throw undescribed(path) }
        guard text.header.element == .unsigned(bytes: 1), text.header.bytes <= longestDescription else { throw undescribed(path) }
        var bytes = [UInt8](repeating: 0, count: text.header.bytes)
        try bytes.withUnsafeMutableBytes { try text.read(exactly: $0) }
        let json = String(decoding: bytes, as: UTF8.self), description = try ModelDescription(json: json, path: path), layout = try description.makeTrainer(threads: 1).layout
        var values = [Float](repeating: 0, count: layout.count)
        for (index, spec) in layout.tensors.enumerated() {
            guard let array = try archive.array(spec.name), array.header.shape == spec.shape, array.header.element == .float(bytes: 4), !array.header.isFortranOrder else {
                throw Failure(.input, "\(path) has no single-precision tensor '\(spec.name)' of shape \(spec.shape), which the model that it describes has; export it again")
            }
            let start = layout.offsets[index]
            try values.withUnsafeMutableBytes { try array.read(exactly: UnsafeMutableRawBufferPointer(rebasing: $0[start * 4..<(start + spec.count) * 4])) }
        }
        return (.network(NamedTensors(layout: layout, values: values)), description, json)
    }

    private static func undescribed(_ path: String) -> Failure {
        Failure(.input, "\(path) does not say how its model is to be served: an older version wrote it, or another program; export it again ('unlearn export --out FILE.safetensors')")
    }
}
