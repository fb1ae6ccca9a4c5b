internal import CZlib
import Files
import Glibc

/// Reads a file from its beginning, uncompressing it where it is gzip; plain files are read as they are. At the end it has to
/// have read what earlier passes over the same file read.
package final class CompressedReader {
    let path: String
    private let file: InputFile
    private let handle: gzFile
    private var checksum = crc32(0, nil, 0)
    private var length = 0

    package convenience init(_ path: String) throws { try self.init(InputFile(path)) }

    init(_ file: InputFile) throws {
        self.file = file
        path = file.path
        let descriptor = try file.beginPass()
        guard let handle = gzdopen(descriptor, "rb") else {
            close(descriptor)
            throw Failure(.failed, "cannot open \(path)")
        }
        gzbuffer(handle, 64 * 1024)
        self.handle = handle
    }

    deinit { gzclose_r(handle) }

    /// Fills as much of `buffer` as the file still has; gives the number of bytes.
    package func read(upTo buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var done = 0
        while done < buffer.count {
            let start = buffer.baseAddress! + done
            let count = gzread(handle, start, UInt32(min(buffer.count - done, 1 << 30)))
            var code: Int32 = 0
            let reason = gzerror(handle, &code)
            // A file that ends inside the compressed stream gives its bytes first and Z_BUF_ERROR with them.
            guard count >= 0, code == Z_OK || code == Z_STREAM_END else {
                let detail = code == Z_BUF_ERROR ? "it ends inside the compressed data" : reason.map { String(cString: $0) } ?? "unreadable"
                throw Failure(.input, "\(path) is damaged: \(detail); fetch the file again")
            }
            if count == 0 {
                try file.endPass(checksum: UInt32(truncatingIfNeeded: checksum), length: length)
                break
            }
            checksum = crc32(checksum, start.assumingMemoryBound(to: UInt8.self), UInt32(count))
            length += Int(count)
            done += Int(count)
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

/// Files of one source, each opened when it is first read and kept open for the passes to come.
final class InputFiles {
    private var opened: [String: InputFile] = [:]

    /// - Parameter role: tells apart files of a source that have the same path.
    func file(_ path: String, role: String = "") throws -> InputFile {
        if let file = opened[role + "\0" + path] { return file }
        let file = try InputFile(path)
        opened[role + "\0" + path] = file
        return file
    }
}
