internal import CSystem
import Glibc

/// File operations on paths. Every change of the project's folder goes through here or through `OpenFile`.
public enum FileSystem {
    public static func exists(_ path: String) -> Bool {
        var status = stat()
        return path.withPathBytes { lstat($0, &status) } == 0
    }

    public static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return path.withPathBytes { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether a path leads to a regular file, through links or not.
    public static func isFile(_ path: String) -> Bool {
        var status = stat()
        return path.withPathBytes { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    public static func isRegularFile(_ path: String) -> Bool {
        var status = stat()
        return path.withPathBytes { lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// The length of a file in bytes, or nil where there is none.
    public static func length(_ path: String) throws -> Int? {
        var status = stat()
        if path.withPathBytes({ lstat($0, &status) }) == 0 { return Int(status.st_size) }
        guard errno == ENOENT || errno == ENOTDIR else { throw SystemCallError(operation: "read the length of", path: path, code: errno) }
        return nil
    }

    /// Throws where the user named a folder that nothing can be written to: better before the work than behind it.
    public static func expectWritable(folder: String) throws {
        guard isWritable(folder) else {
            throw Failure(.input, "cannot write to the folder \(folder): \(String(cString: strerror(errno))); name another")
        }
    }

    /// Whether this process may make and change files in a folder.
    public static func isWritable(_ path: String) -> Bool { path.withPathBytes { access($0, W_OK | X_OK) } == 0 }

    /// Whether a path lies on a file system that keeps no permissions for its files (FAT, exFAT, NTFS, and Windows' drives under
    /// WSL), as far as the kernel tells.
    public static func hasNoPermissions(_ path: String) -> Bool { withoutPermissions.contains(path.withPathBytes { unlearn_file_system_kind($0) }) }

    /// linux/magic.h: msdos, exfat, ntfs, ntfs3, fuseblk (ntfs-3g), 9p (drvfs).
    private static let withoutPermissions: Set<UInt> = [0x4D44, 0x2011_BAB0, 0x5346_544E, 0x7366_746E, 0x6573_5546, 0x0102_1997]

    public static func read(_ path: String) throws -> [UInt8] { try read(OpenFile(path, .read), most: .max) }

    /// Reads a file that the user named; see `OpenFile.input`.
    /// - Parameter most: a longer file is refused before any memory is taken: a sparse one can claim any length.
    public static func read(input path: String, _ what: String = "the path", most: Int, digits: OpenFile.Digits = .areSecret) throws -> [UInt8] {
        try read(OpenFile.input(path, what, digits: digits), most: most)
    }

    /// All of an open file.
    public static func read(_ file: borrowing OpenFile, most: Int) throws -> [UInt8] {
        let length = try file.regularLength()
        guard length <= most else { throw Failure(.input, "\(file.path) has \(length) bytes, more than \(most); name another file") }
        return try [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            try file.read(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: length), at: 0)
            count = length
        }
    }

    /// Writes a file that the user named whole or not at all; see `OpenFolder.publish`.
    /// - Parameter replacing: whether a file that is there may go; without it, one that came meanwhile stays.
    public static func publish(output bytes: UnsafeRawBufferPointer, at path: String, replacing: Bool) throws {
        try publish(outputAt: path, replacing: replacing) { file in try file.write(bytes, at: 0) }
    }

    /// The same of a file that `write` fills, piece by piece.
    public static func publish(outputAt path: String, replacing: Bool, _ write: (borrowing OpenFile) throws -> Void) throws {
        guard try OpenFolder(parent(of: path)).publish(as: name(of: path), replacing: replacing, path: path, write) else {
            throw Failure(.input, "\(path) is there already; name another file, or replace it with --force")
        }
    }

    /// What `publish` appends to the name of a file that is not whole yet; such a file is rubbish after a crash.
    public static let temporarySuffix = ".part"

    public static func rename(_ path: String, to newPath: String) throws {
        guard path.withPathBytes({ old in newPath.withPathBytes { Glibc.rename(old, $0) } }) == 0 else {
            throw SystemCallError(operation: "rename \(path) to", path: newPath, code: errno)
        }
        try synchroniseFolder(parent(of: newPath))
    }

    public static func remove(_ path: String) throws {
        guard path.withPathBytes({ unlink($0) }) == 0 || errno == ENOENT else { throw SystemCallError(operation: "remove", path: path, code: errno) }
    }

    public static func synchroniseFolder(_ path: String) throws {
        let descriptor = Int32(try retrying("open the folder", path) { Int(path.withPathBytes { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }) })
        defer { close(descriptor) }
        _ = try retrying("sync the folder", path) { Int(fsync(descriptor)) }
    }

    /// Makes a folder for its owner alone, which stays even if the power fails; an existing one is left as it is.
    /// - Returns: whether it was made.
    @discardableResult
    public static func makeFolder(_ path: String) throws -> Bool {
        if path.withPathBytes({ mkdir($0, 0o700) }) == 0 {
            try synchroniseFolder(parent(of: path))
            return true
        }
        guard errno == EEXIST && isFolder(path) else {
            if [ENOENT, ENOTDIR, EEXIST, ELOOP, ENAMETOOLONG].contains(errno) {
                throw Failure(.input, "cannot make the folder \(path): \(String(cString: strerror(errno))); name a folder in an existing one")
            }
            throw SystemCallError(operation: "make the folder", path: path, code: errno)
        }
        return false
    }

    /// The names in a folder, sorted, without `.` and `..`.
    public static func names(in path: String) throws -> [String] {
        guard let list = path.withPathBytes({ opendir($0) }) else { throw SystemCallError(operation: "list", path: path, code: errno) }
        defer { closedir(list) }
        return try names(read: list, of: path)
    }

    /// The names that an open list of a folder has left, sorted, without `.` and `..`.
    /// - Parameter path: of the folder, for messages.
    static func names(read list: OpaquePointer, of path: String) throws -> [String] {
        var names: [String] = []
        while true {
            // Only errno tells an error from the end.
            errno = 0
            guard let entry = readdir(list) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { PathText.text(of: $0.prefix { $0 != 0 }) }
            if name != "." && name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw SystemCallError(operation: "list", path: path, code: errno) }
        return names.sorted()
    }

    /// Removes a file, or a folder and all in it. Links are removed, not followed.
    public static func removeTree(_ path: String) throws {
        var status = stat()
        if path.withPathBytes({ lstat($0, &status) }) == 0 && status.st_mode & S_IFMT == S_IFDIR {
            for name in try names(in: path) { try removeTree(path + "/" + name) }
            guard path.withPathBytes({ rmdir($0) }) == 0 else { throw SystemCallError(operation: "remove the folder", path: path, code: errno) }
        } else {
            try remove(path)
        }
    }

    /// Bytes of all files in a folder and those below it; 0 where there is none. Files that go meanwhile do not count.
    public static func treeLength(_ path: String) throws -> Int {
        guard isFolder(path) else { return try length(path) ?? 0 }
        return try names(in: path).reduce(0) { try $0 + treeLength(path + "/" + $1) }
    }

    /// The path without links, `.` and `..`; nil where there is no such place.
    public static func realPath(_ path: String) -> String? {
        guard let resolved = path.withPathBytes({ realpath($0, nil) }) else { return nil }
        defer { free(resolved) }
        return PathText.text(of: UnsafePointer(resolved))
    }

    /// What follows the last slash. By scalars: a slash with a combining mark behind it is another character, and a slash all the same.
    public static func name(of path: String) -> String {
        let scalars = path.unicodeScalars
        return scalars.lastIndex(of: "/").map { String(scalars[scalars.index(after: $0)...]) } ?? path
    }

    /// Where a path leads, or would lead if there were something: its parent without links, `.` and `..`, and its name. Nil where there
    /// is no such parent.
    public static func place(of path: String) -> String? {
        // A path that ends in `..` has no name of its own.
        if isFolder(path) { return realPath(path) }
        return realPath(parent(of: path)).map { ($0 == "/" ? "" : $0) + "/" + name(of: path) }
    }

    public static func parent(of path: String) -> String {
        let scalars = path.unicodeScalars
        guard let slash = scalars.lastIndex(of: "/") else { return "." }
        return slash == scalars.startIndex ? "/" : String(scalars[..<slash])
    }
}
