import Glibc

/// Destroying content. On a file system that writes in place nothing of it is left on the drive then; one that copies on
/// writing, and flash, may keep it (Documentation/ThreatModel.md).
extension OpenFolder {
    /// Overwrites files with zeros, waits until the zeros are on the device, and removes the names; those that are not there are
    /// skipped. A file that cannot be overwritten, because it is another user's, runs as a program or has no room for the zeros,
    /// is removed all the same.
    ///
    /// All files are written before the first is waited for, so that the device has them together.
    /// - Parameter sparingLinked: files that have another name elsewhere keep their content under it.
    public func destroy(_ names: [String], sparingLinked: Bool = false) throws {
        for batch in stride(from: 0, to: names.count, by: Self.destroyedTogether).map({ names[$0..<min($0 + Self.destroyedTogether, names.count)] }) {
            try overwrite(Array(batch), sparingLinked: sparingLinked)
            for name in batch { try remove(name) }
        }
    }

    /// Destroys a file, or removes a folder and destroys all in it. Links are removed, not followed, and files that have another
    /// name elsewhere keep their content under it.
    public func destroyTree(_ name: String) throws { try takeTree(name) { try $0.destroy([$1], sparingLinked: true) } }

    /// Overwrites a file with zeros in place, its head first, each on the device before the next: a database's log is invalid as
    /// soon as its head is gone. Where there is no room for the zeros, the rest stays as it is.
    public func overwrite(_ name: String, headLength: Int) throws {
        guard let length = try length(name), length > 0 else { return }
        let file = Int32(try retrying("open", path(of: name)) { Int(name.withPathBytes { openat(descriptor, $0, O_WRONLY | O_CLOEXEC | O_NOFOLLOW) }) })
        defer { close(file) }
        try Self.whereRoomIs {
            for (end, start) in [(min(headLength, length), 0), (length, min(headLength, length))] where start < end {
                try Self.writeZeros(file, end, from: start, path: path(of: name))
                try Self.synchroniseContent(file, path(of: name))
            }
        }
    }

    /// Descriptors are few.
    private static let destroyedTogether = 64

    private func overwrite(_ names: [String], sparingLinked: Bool) throws {
        var open: [(name: String, descriptor: Int32)] = []
        defer { for file in open { close(file.descriptor) } }
        for name in names {
            guard let file = try openToOverwrite(name, sparingLinked: sparingLinked) else { continue }
            open.append((name, file))
            try Self.whereRoomIs { try Self.writeZerosOverContent(file, path: path(of: name)) }
        }
        for (name, file) in open { try Self.whereRoomIs { try Self.synchroniseContent(file, path(of: name)) } }
    }

    /// Nil where there is nothing to overwrite, or it can only be removed.
    private func openToOverwrite(_ name: String, sparingLinked: Bool) throws -> Int32? {
        guard let status = try status(name), status.st_mode & S_IFMT == S_IFREG, !sparingLinked || status.st_nlink == 1 else { return nil }
        func open() throws -> Int32 {
            Int32(try retrying("open", path(of: name)) { Int(name.withPathBytes { openat(descriptor, $0, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) }) })
        }
        do {
            do { return try open() } catch let error as SystemCallError where error.code == EACCES {
                // Its owner may give the permission that is missing.
                guard name.withPathBytes({ fchmodat(descriptor, $0, 0o600, AT_SYMLINK_NOFOLLOW) }) == 0 else { throw error }
                return try open()
            }
        } catch let error as SystemCallError where [EACCES, ENOENT, ELOOP, ETXTBSY].contains(error.code) {
            return nil
        }
    }

    /// A full file system that copies on writing has no room for zeros; removing the file is what makes some.
    private static func whereRoomIs(_ write: () throws -> Void) throws {
        do { try write() } catch let error as SystemCallError where [ENOSPC, EDQUOT].contains(error.code) {}
    }

    private static func synchroniseContent(_ descriptor: Int32, _ path: String) throws {
        _ = try retrying("sync", path) { Int(fdatasync(descriptor)) }
    }

    /// SEEK_DATA and SEEK_HOLE of linux/fs.h, which unistd.h shows to GNU programs alone.
    private static let seekData: Int32 = 3, seekHole: Int32 = 4

    /// Overwrites what a file has on the drive. Its holes, of which it can claim any length, hold nothing and stay holes.
    private static func writeZerosOverContent(_ descriptor: Int32, path: String) throws {
        var end = off_t(0)
        while true {
            let start = lseek(descriptor, end, seekData)
            if start < 0 && errno == ENXIO { return }
            guard start >= 0 else { throw SystemCallError(operation: "overwrite", path: path, code: errno) }
            end = lseek(descriptor, start, seekHole)
            guard end > start else { throw SystemCallError(operation: "overwrite", path: path, code: errno) }
            try writeZeros(descriptor, Int(end), from: Int(start), path: path)
        }
    }

    private static func writeZeros(_ descriptor: Int32, _ length: Int, from start: Int, path: String) throws {
        let zeros = [UInt8](repeating: 0, count: min(length - start, 1 << 20))
        var done = start
        while done < length {
            done += try retrying("overwrite", path) {
                zeros.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, min($0.count, length - done), off_t(done)) }
            }
        }
    }
}
