internal import CZlib
internal import CZstd
import Files
import Glibc

/// Reads a file from its beginning, uncompressing it where it is gzip or zstd; plain files are read as they are. At the end it has to
/// have read what earlier passes over the same file read.
package final class CompressedReader {
    let path: String
    private let file: InputFile
    private let stream: any ByteStream
    private var checksum = crc32(0, nil, 0)
    private var length = 0

    package convenience init(_ path: String) throws { try self.init(InputFile(path)) }

    init(_ file: InputFile) throws {
        self.file = file
        path = file.path
        let descriptor = try file.beginPass()
        stream = try ZstdStream.isZstd(descriptor) ? ZstdStream(descriptor, path: path) : GzipStream(descriptor, path: path)
    }

    /// Fills as much of `buffer` as the file still has; gives the number of bytes.
    package func read(upTo buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var done = 0
        while done < buffer.count {
            let count = try stream.read(UnsafeMutableRawBufferPointer(rebasing: buffer[done...]))
            if count == 0 {
                try file.endPass(checksum: UInt32(truncatingIfNeeded: checksum), length: length)
                break
            }
            checksum = crc32(checksum, (buffer.baseAddress! + done).assumingMemoryBound(to: UInt8.self), UInt32(count))
            length += count
            done += count
        }
        return done
    }

    /// Fills `buffer` or says that the file is too short.
    func read(exactly buffer: UnsafeMutableRawBufferPointer, what: String) throws {
        let count = try read(upTo: buffer)
        guard count == buffer.count else {
            throw Failure(.input, "\(path) ends early: \(what) needs \(buffer.count - count) more bytes; fetch the file again")
        }
    }

    /// Throws unless everything was read.
    func expectEnd() throws {
        var byte: UInt8 = 0
        let count = try withUnsafeMutableBytes(of: &byte) { try read(upTo: $0) }
        guard count == 0 else { throw Failure(.input, "\(path) has more bytes than its header says; fetch the file again") }
    }
}

/// Gives bytes until there are no more.
private protocol ByteStream: AnyObject {
    /// At most 2³⁰ at once; 0 at the end.
    func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

private func damaged(_ path: String, _ detail: String) -> Failure { Failure(.input, "\(path) is damaged: \(detail); fetch the file again") }

/// gzip, or a plain file.
private final class GzipStream: ByteStream {
    private let handle: gzFile
    private let path: String

    /// Closes the descriptor when it goes away.
    init(_ descriptor: Int32, path: String) throws {
        guard let handle = gzdopen(descriptor, "rb") else {
            close(descriptor)
            throw Failure(.failed, "cannot open \(path)")
        }
        gzbuffer(handle, 64 * 1024)
        self.handle = handle
        self.path = path
    }

    deinit { gzclose_r(handle) }

    func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let count = gzread(handle, buffer.baseAddress!, UInt32(min(buffer.count, 1 << 30)))
        var code: Int32 = 0
        let reason = gzerror(handle, &code)
        // A file that ends inside the compressed stream gives its bytes first and Z_BUF_ERROR with them.
        guard count >= 0, code == Z_OK || code == Z_STREAM_END else {
            throw damaged(path, code == Z_BUF_ERROR ? "it ends inside the compressed data" : reason.map { String(cString: $0) } ?? "unreadable")
        }
        return Int(count)
    }
}

/// Frames of zstd (RFC 8878), one behind the other.
private final class ZstdStream: ByteStream {
    private let descriptor: Int32
    private let path: String
    private let context: OpaquePointer
    private var chunk = [UInt8](repeating: 0, count: 128 * 1024)
    private var filled = 0
    private var next = 0
    /// What zstd still expects of a frame; 0 between frames.
    private var expected = 0

    /// Windows of more than 128 MiB belong to no table.
    private static let largestWindow: Int32 = 27

    static func isZstd(_ descriptor: Int32) -> Bool {
        var magic: UInt32 = 0
        return pread(descriptor, &magic, 4, 0) == 4 && UInt32(littleEndian: magic) == ZSTD_MAGICNUMBER
    }

    /// Closes the descriptor when it goes away.
    init(_ descriptor: Int32, path: String) throws {
        guard let context = ZSTD_createDCtx() else {
            close(descriptor)
            throw Failure(.failed, "out of memory in zstd")
        }
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.largestWindow)
        self.descriptor = descriptor
        self.path = path
        self.context = context
    }

    deinit {
        ZSTD_freeDCtx(context)
        close(descriptor)
    }

    func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: min(buffer.count, 1 << 30), pos: 0)
        while output.pos == 0 {
            if next == filled {
                filled = Glibc.read(descriptor, &chunk, chunk.count)
                next = 0
                if filled < 0 {
                    filled = 0
                    if errno == EINTR { continue }
                    throw SystemCallError(operation: "read", path: path, code: errno)
                }
            }
            let isAtEnd = filled == 0
            let result = chunk.withUnsafeBytes { bytes in
                var input = ZSTD_inBuffer(src: bytes.baseAddress, size: filled, pos: next)
                let result = ZSTD_decompressStream(context, &output, &input)
                next = input.pos
                return result
            }
            guard ZSTD_isError(result) == 0 else { throw damaged(path, String(cString: ZSTD_getErrorName(result))) }
            // Without input, what zstd says is of a frame that has not begun.
            if isAtEnd, output.pos == 0 {
                guard expected == 0 else { throw damaged(path, "it ends inside the compressed data") }
                return 0
            }
            expected = result
        }
        return output.pos
    }
}

/// Files of one source, each opened when it is first read and kept open for the passes to come.
final class InputFiles {
    private var opened: [String: InputFile] = [:]

    /// - Parameters:
    ///   - role: tells apart files of a source that have the same path.
    ///   - opening: how its bytes are had, where that is not by its path alone.
    func file(_ path: String, role: String = "", opening: (String) throws -> InputFile = { try InputFile($0) }) throws -> InputFile {
        if let file = opened[role + "\0" + path] { return file }
        let file = try opening(path)
        opened[role + "\0" + path] = file
        return file
    }
}
