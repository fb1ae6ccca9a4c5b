internal import CZlib
import Files

/// Reads a file from its beginning, uncompressing it where it is gzip; plain files are read as they are.
package final class CompressedReader {
    let path: String
    private let handle: gzFile

    package init(_ path: String) throws {
        self.path = path
        _ = try OpenFile.input(path)
        guard let handle = gzopen(path, "rb") else { throw Failure(.failed, "cannot open \(path)") }
        gzbuffer(handle, 64 * 1024)
        self.handle = handle
    }

    deinit { gzclose_r(handle) }

    /// Fills as much of `buffer` as the file still has; gives the number of bytes.
    package func read(upTo buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var done = 0
        while done < buffer.count {
            let count = gzread(handle, buffer.baseAddress! + done, UInt32(min(buffer.count - done, 1 << 30)))
            var code: Int32 = 0
            let reason = gzerror(handle, &code)
            // A file that ends inside the compressed stream gives its bytes first and Z_BUF_ERROR with them.
            guard count >= 0, code == Z_OK || code == Z_STREAM_END else {
                let detail = code == Z_BUF_ERROR ? "it ends inside the compressed data" : reason.map { String(cString: $0) } ?? "unreadable"
                throw Failure(.input, "\(path) is damaged: \(detail); fetch the file again")
            }
            if count == 0 { break }
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
