import Files

/// A model as a graph of ONNX's operations, encodings of a table's columns included. Python's `onnx` writes it from the bytes of a safetensors file.
enum ONNX {
    private static let script = PythonScript(ONNXScript.text, library: "onnx", purpose: "writes ONNX files")

    /// The bytes of a model.
    /// - Parameters:
    ///   - safetensors: tensors and description, as `export` writes them.
    ///   - path: where they are to go, for messages.
    /// - Throws: `Failure` of kind `input` where Python or its onnx is missing, or fails.
    static func encode(_ safetensors: [UInt8], path: String) throws -> [UInt8] {
        let made = try convert(OpenFile.holding(safetensors, inMemoryAs: path), path)
        var bytes = [UInt8](repeating: 0, count: try made.regularLength())
        try bytes.withUnsafeMutableBytes { try made.read(into: $0, at: 0) }
        // What stands in for Python may do nothing and end well.
        guard !bytes.isEmpty else { throw Failure(.input, "cannot write \(path): Python gives nothing; name one that has onnx as UNLEARN_PYTHON") }
        return bytes
    }

    private static func convert(_ file: consuming OpenFile, _ path: String) throws -> OpenFile {
        do {
            return try script.run(["-"], on: file, to: "write \(path)", path: path)
        } catch let error as ProgramOutput.TooLong {
            throw Failure(.input, "cannot write \(path): it would have more than \(error.most) bytes; end its name in .safetensors")
        }
    }
}
