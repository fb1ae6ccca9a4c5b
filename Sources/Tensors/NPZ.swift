internal import CZip
import Files

/// NumPy's `.npz`: a zip file with one `.npy` (format 1.0, numpy.lib.format) for each tensor.
public enum NPZ {
    /// One `.npy`: magic, version, header length, a Python dictionary padded to 64 bytes, then the values.
    static func npy(_ values: ArraySlice<Float>, shape: [Int]) -> [UInt8] {
        let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(dimensions)), }".utf8)
        while (10 + header.count + 1) % 64 != 0 { header.append(UInt8(ascii: " ")) }
        header.append(UInt8(ascii: "\n"))
        var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count & 255), UInt8(header.count >> 8)]
        bytes += header
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Writes the tensors to a new file at `path`, which must not exist.
    public static func write(_ tensors: NamedTensors, to path: String) throws {
        var code: Int32 = 0
        guard let archive = zip_open(path, ZIP_CREATE | ZIP_EXCL, &code) else {
            throw Failure(.failed, "cannot create \(path) (libzip error \(code)); check the folder")
        }
        // libzip reads the sources when the archive is closed: every array must live until then.
        let files = tensors.layout.tensors.indices.map { npy(tensors.values(of: $0), shape: tensors.layout.tensors[$0].shape) }
        var owned: [UnsafeMutableRawBufferPointer] = []
        defer { owned.forEach { $0.deallocate() } }
        for (tensor, file) in zip(tensors.layout.tensors, files) {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count, alignment: 16)
            copy.copyBytes(from: file)
            owned.append(copy)
            guard let source = zip_source_buffer(archive, copy.baseAddress, zip_uint64_t(copy.count), 0) else {
                zip_discard(archive)
                throw Failure(.failed, "cannot write \(path): out of memory")
            }
            let index = zip_file_add(archive, tensor.name + ".npy", source, zip_flags_t(ZIP_FL_ENC_UTF_8))
            guard index >= 0 else {
                zip_source_free(source)
                let reason = String(cString: zip_strerror(archive))
                zip_discard(archive)
                throw Failure(.failed, "cannot write \(path): \(reason)")
            }
            zip_set_file_compression(archive, zip_uint64_t(index), ZIP_CM_STORE, 0)
        }
        guard zip_close(archive) == 0 else {
            let reason = String(cString: zip_strerror(archive))
            zip_discard(archive)
            throw Failure(.failed, "cannot write \(path): \(reason)")
        }
    }
}
