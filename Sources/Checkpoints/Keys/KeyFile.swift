import Files
import Glibc

/// The file that holds a project's key, from which all its other keys follow: 64 hexadecimal digits and a line end, or
/// exactly 32 bytes. Without it no row and no parameter of an encrypted project can be read; whoever has it can read everything.
public struct KeyFile: Sendable {
    /// In the project's folder, where no other place is named.
    static let name = SecretFile.name
    static let variable = SecretFile.variable

    public let path: String
    /// Whether it lies in the project's folder.
    public let isOwn: Bool

    /// The folder's own key file if there is one, else the one that `UNLEARN_KEY_FILE` names, else the folder's own.
    public static func locate(for folder: String) -> KeyFile {
        let own = folder + "/" + name
        if let named = PathText.environment(variable), !FileSystem.exists(own) { return KeyFile(path: named, isOwn: false) }
        return KeyFile(path: own, isOwn: true)
    }

    /// In the project's folder, whatever is named elsewhere.
    static func own(of folder: String) -> KeyFile { KeyFile(path: folder + "/" + name, isOwn: true) }

    func read() throws -> SecretKey {
        guard FileSystem.exists(path) else {
            // Nothing here is damaged: the key may well be where its owner keeps it.
            throw Failure(
                .input, "the project's key file \(path)\(isOwn ? "" : ", which \(Self.variable) names,") is missing; put the file back there, or set "
                    + "\(Self.variable) to where it is: without it no row and no parameter can be read")
        }
        guard FileSystem.isFile(path) else {
            throw Failure(isOwn ? .damaged : .input, "the project's key file \(path) is no regular file; put the right one there")
        }
        if isOwn, let mode, mode & 0o077 != 0 {
            throw Failure(.input, "the project's key file \(path) can be read by others (mode \(String(mode, radix: 8))); \(permissionAdvice)")
        }
        var bytes = try contents()
        if bytes.count == SecretKey.length { return SecretKey(wiping: &bytes) }
        let isText = bytes.count == 2 * SecretKey.length || (bytes.count == 2 * SecretKey.length + 1 && bytes.last == 10)
        guard isText, var key = Hexadecimal.decode(String(decoding: bytes.prefix(2 * SecretKey.length), as: UTF8.self)) else {
            throw Failure(isOwn ? .damaged : .input, "\(path) is no key file (64 hexadecimal digits, or 32 bytes); put the project's key back")
        }
        for index in bytes.indices { bytes[index] = 0 }
        return SecretKey(wiping: &key)
    }

    /// No more of the file than a key file has, so that a device or a huge file cannot do harm.
    private func contents() throws -> [UInt8] {
        let file = try OpenFile(path, .read)
        let length = min(try file.regularLength(), 2 * SecretKey.length + 2)
        var bytes = [UInt8](repeating: 0, count: length)
        try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return bytes
    }

    /// The permissions, or nil where it is gone.
    private var mode: mode_t? {
        var status = stat()
        return path.withPathBytes { stat($0, &status) } == 0 ? status.st_mode & 0o777 : nil
    }

    /// `chmod` changes nothing where files have no permissions of their own.
    private var permissionAdvice: String {
        let elsewhere = "keep the key on another one and set \(Self.variable) to where it is"
        return FileSystem.hasNoPermissions(path) ? "its file system keeps no permissions: \(elsewhere)"
            : "run 'chmod 600 \(path)'; where that changes nothing, the file system keeps no permissions: \(elsewhere)"
    }

    /// Makes a new key, durably, readable by its owner alone; or reads the one that somebody else made meanwhile.
    func create() throws -> SecretKey {
        guard let key = try createUnlessThere() else { return try read() }
        try expectPrivate()
        return key
    }

    /// Makes a new key, durably; nil where somebody else made one meanwhile.
    /// - Parameter folder: the project's, where it is held open: an own key file is made there, wherever its path leads.
    func createUnlessThere(in folder: OpenFolder? = nil) throws -> SecretKey? {
        let parent = FileSystem.parent(of: path)
        guard FileSystem.isFolder(parent) else {
            throw Failure(.input, "cannot make the key file \(path): no such folder; make it, or name another place with \(Self.variable)")
        }
        let key = SecretKey.random()
        var text = key.withBytes { Array((Hexadecimal.encode(UnsafeBufferPointer(start: $0, count: SecretKey.length)) + "\n").utf8) }
        defer { for index in text.indices { text[index] = 0 } }
        let place = try isOwn ? folder ?? OpenFolder(parent) : OpenFolder(parent)
        return try text.withUnsafeBytes { try place.publish($0, as: FileSystem.name(of: path), replacing: false, path: path) } ? key : nil
    }

    /// Throws where others can read a key that was just made: better now than at the next command, when rows are in the project.
    func expectPrivate() throws {
        if isOwn, let mode, mode & 0o077 != 0 {
            throw Failure(
                .input, "the key file \(path) can be read by others (mode \(String(mode, radix: 8))) as soon as it is made; \(permissionAdvice)")
        }
    }
}
