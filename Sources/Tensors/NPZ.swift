internal import CZip
import Files

/// NumPy's `.npz`: a zip file with one `.npy` (format 1.0, numpy.lib.format) for each tensor.
public enum NPZ {
    /// One `.npy`: magic, version, header length, a Python dictionary padded to 64 bytes, then the values.
    static func npy(_ values: ArraySlice<Float>, shape: [Int]) -> [UInt8] {
        npy(values.withUnsafeBytes { Array($0) }, type: "<f4", shape: shape)
    }

    /// Bytes as a one-dimensional array of `|u1`.
    static func npy(bytes content: [UInt8]) -> [UInt8] { npy(Array(content), type: "|u1", shape: [content.count]) }

    private static func npy(_ content: [UInt8], type: String, shape: [Int]) -> [UInt8] {
        let dimensions = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
        var header = Array("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(dimensions)), }".utf8)
        while (10 + header.count + 1) % 64 != 0 { header.append(UInt8(ascii: " ")) }
        header.append(UInt8(ascii: "\n"))
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count & 255), UInt8(header.count >> 8)] + header + content
    }

    /// The first day that a zip file can name, 1 January 1980: year since then, month and day (APPNOTE.TXT, section 4.4.6).
    private static let firstDay: UInt16 = 0 << 9 | 1 << 5 | 1

    /// The bytes of an archive that holds the tensors. They are made in memory, so that whoever writes them decides who may
    /// read the file and when it gets its name; libzip would make it readable by all that the umask allows.
    /// - Parameter texts: members beside the tensors, each the UTF-8 bytes of a text.
    /// - Complexity: O(values) time and memory.
    public static func encode(_ tensors: NamedTensors, texts: [(name: String, text: String)] = []) throws -> [UInt8] {
        func failure(_ reason: String) -> Failure { Failure(.failed, "cannot make an npz archive: \(reason)") }
        var error = zip_error_t()
        zip_error_init(&error)
        defer { zip_error_fini(&error) }
        guard let buffer = zip_source_buffer_create(nil, 0, 0, &error) else { throw failure(String(cString: zip_error_strerror(&error))) }
        // The archive takes one reference with it when it is closed; this one is for reading what it wrote.
        zip_source_keep(buffer)
        defer { zip_source_free(buffer) }
        guard let archive = zip_open_from_source(buffer, ZIP_TRUNCATE, &error) else {
            zip_source_free(buffer)
            throw failure(String(cString: zip_error_strerror(&error)))
        }
        // libzip reads the sources when the archive is closed: every array must live until then.
        var owned: [UnsafeMutableRawBufferPointer] = []
        defer { owned.forEach { $0.deallocate() } }
        func abandon() -> Failure {
            let reason = String(cString: zip_strerror(archive))
            zip_discard(archive)
            return failure(reason)
        }
        let members = tensors.layout.tensors.enumerated().map { ($1.name, npy(tensors.values(of: $0), shape: $1.shape)) }
            + texts.map { ($0.name, npy(bytes: Array($0.text.utf8))) }
        for (name, file) in members {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: file.count, alignment: 16)
            copy.copyBytes(from: file)
            owned.append(copy)
            guard let source = zip_source_buffer(archive, copy.baseAddress, zip_uint64_t(copy.count), 0) else { throw abandon() }
            let entry = zip_file_add(archive, name + ".npy", source, zip_flags_t(ZIP_FL_ENC_UTF_8))
            guard entry >= 0 else {
                zip_source_free(source)
                throw abandon()
            }
            zip_set_file_compression(archive, zip_uint64_t(entry), ZIP_CM_STORE, 0)
            // The same state is the same bytes, whenever and in whichever time zone it is exported.
            guard zip_file_set_dostime(archive, zip_uint64_t(entry), 0, firstDay, 0) == 0 else { throw abandon() }
        }
        guard zip_close(archive) == 0 else { throw abandon() }
        guard let bytes = contents(of: buffer) else { throw failure(String(cString: zip_error_strerror(zip_source_error(buffer)))) }
        return bytes
    }

    /// Everything in a source of libzip, or nil where it cannot be read.
    private static func contents(of source: OpaquePointer) -> [UInt8]? {
        var status = zip_stat_t()
        guard zip_source_stat(source, &status) == 0, zip_source_open(source) == 0 else { return nil }
        defer { zip_source_close(source) }
        var bytes = [UInt8](repeating: 0, count: Int(status.size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { zip_source_read(source, $0.baseAddress! + filled, zip_uint64_t($0.count - filled)) }
            guard count > 0 else { return nil }
            filled += Int(count)
        }
        return bytes
    }
}
