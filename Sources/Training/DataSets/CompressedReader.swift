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
        stream =
            if ZstdStream.isZstd(descriptor) {
                try ZstdStream(descriptor, path: path)
            } else if GzipStream.isGzip(descriptor) {
                try GzipStream(descriptor, path: path)
            } else {
                PlainStream(descriptor, path: path)
            }
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

/// Behind a system call that failed.
private func unreadable(_ path: String) -> Failure { damaged(path, "it cannot be read (\(String(cString: strerror(errno))))") }

private func damaged(_ path: String, _ detail: String) -> Failure { Failure(.input, "\(path) is damaged: \(detail); fetch the file again") }

/// What a descriptor still has to read, a piece at a time.
private struct Pieces: ~Copyable {
    private let descriptor: Int32
    private let path: String
    var bytes = [UInt8](repeating: 0, count: 128 * 1024)
    private(set) var filled = 0
    /// Where the next byte is that nobody has taken.
    var next = 0

    /// Closes the descriptor when it goes away.
    init(_ descriptor: Int32, path: String) { (self.descriptor, self.path) = (descriptor, path) }

    deinit { close(descriptor) }

    /// Reads on where all was taken; gives whether there is a byte to take.
    mutating func fill() throws -> Bool {
        guard next == filled else { return true }
        next = 0
        repeat { filled = Glibc.read(descriptor, &bytes, bytes.count) } while filled < 0 && errno == EINTR
        guard filled >= 0 else {
            filled = 0
            throw unreadable(path)
        }
        return filled > 0
    }
}

/// A file that is not compressed.
private final class PlainStream: ByteStream {
    private let descriptor: Int32
    private let path: String

    /// Closes the descriptor when it goes away.
    init(_ descriptor: Int32, path: String) { (self.descriptor, self.path) = (descriptor, path) }

    deinit { close(descriptor) }

    func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, min(buffer.count, 1 << 30))
            if count >= 0 { return count }
            guard errno == EINTR else { throw unreadable(path) }
        }
    }
}

/// Members of gzip (RFC 1952), one behind the other. zlib's own reader of files takes whatever stands behind the last of them for
/// nothing; a table of which half was lost that way would look whole.
private final class GzipStream: ByteStream {
    private var pieces: Pieces
    private let path: String
    /// Where it is zlib keeps: it looks for itself at this very address.
    private let stream: UnsafeMutablePointer<z_stream>
    /// Members that were read to their ends.
    private var members = 0
    private var isInMember = false

    static func isGzip(_ descriptor: Int32) -> Bool {
        var magic: UInt16 = 0
        return pread(descriptor, &magic, 2, 0) == 2 && UInt16(littleEndian: magic) == 0x8B1F
    }

    init(_ descriptor: Int32, path: String) throws {
        self.path = path
        pieces = Pieces(descriptor, path: path)
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // The largest window, and gzip alone.
        guard inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { throw Failure(.failed, "out of memory in zlib") }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = min(buffer.count, 1 << 30)
        stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(wanted)
        while stream.pointee.avail_out == UInt32(wanted) {
            guard try pieces.fill() else {
                guard !isInMember else { throw damaged(path, "it ends inside the compressed data") }
                return 0
            }
            if !isInMember {
                guard pieces.bytes[pieces.next] == 0x1F else { throw junk }
                if members > 0 { inflateReset(stream) }
                isInMember = true
            }
            try inflateOn()
        }
        return wanted - Int(stream.pointee.avail_out)
    }

    /// As far as the piece or the buffer lasts.
    private func inflateOn() throws {
        let next = pieces.next, count = pieces.filled - next
        let code = pieces.bytes.withUnsafeMutableBufferPointer { bytes in
            stream.pointee.next_in = bytes.baseAddress! + next
            stream.pointee.avail_in = UInt32(count)
            defer { stream.pointee.next_in = nil }
            return inflate(stream, Z_NO_FLUSH)
        }
        pieces.next += count - Int(stream.pointee.avail_in)
        switch code {
        case Z_STREAM_END:
            members += 1
            isInMember = false
        // The second: nothing could be done with so few bytes, and more will come.
        case Z_OK, Z_BUF_ERROR: break
        case Z_MEM_ERROR: throw Failure(.failed, "out of memory in zlib")
        default:
            if members > 0, stream.pointee.total_out == 0 { throw junk }
            throw damaged(path, stream.pointee.msg.map { String(cString: $0) } ?? "unreadable")
        }
    }

    private var junk: Failure { damaged(path, "behind its compressed data stand bytes that are none") }
}

/// Frames of zstd (RFC 8878), one behind the other.
private final class ZstdStream: ByteStream {
    private var pieces: Pieces
    private let path: String
    private let context: OpaquePointer
    /// What zstd still expects of a frame; 0 between frames.
    private var expected = 0

    /// Windows of more than 128 MiB belong to no table.
    private static let largestWindow: Int32 = 27

    static func isZstd(_ descriptor: Int32) -> Bool {
        var magic: UInt32 = 0
        return pread(descriptor, &magic, 4, 0) == 4 && UInt32(littleEndian: magic) == ZSTD_MAGICNUMBER
    }

    init(_ descriptor: Int32, path: String) throws {
        pieces = Pieces(descriptor, path: path)
        guard let context = ZSTD_createDCtx() else { throw Failure(.failed, "out of memory in zstd") }
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.largestWindow)
        self.path = path
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    func read(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var output = ZSTD_outBuffer(dst: buffer.baseAddress, size: min(buffer.count, 1 << 30), pos: 0)
        while output.pos == 0 {
            let isAtEnd = try !pieces.fill()
            var input = ZSTD_inBuffer(src: nil, size: pieces.filled, pos: pieces.next)
            let result = pieces.bytes.withUnsafeBytes { bytes in
                input.src = bytes.baseAddress
                return ZSTD_decompressStream(context, &output, &input)
            }
            pieces.next = input.pos
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
