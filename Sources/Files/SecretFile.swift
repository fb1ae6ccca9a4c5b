import Glibc

/// How a project's secret key looks from outside, for all who open or write files that a user names: such a file is read by
/// the key's own code alone, and written over by nobody.
public enum SecretFile {
    /// Its name in a project's folder, where no other place is named.
    public static let name = "project.key"
    /// Names another place.
    public static let variable = "UNLEARN_KEY_FILE"
    static let digits = 64
    private static let rawLength = 32

    /// Whether a key is kept at a path, through links or not.
    /// - Parameter status: of the file there, where it is open.
    static func isPlace(_ path: String, _ status: stat? = nil) -> Bool {
        if FileSystem.name(of: path) == name || FileSystem.realPath(path).map(FileSystem.name) == name { return true }
        guard let named = PathText.environment(variable) else { return false }
        var key = stat(), own = stat()
        guard named.withPathBytes({ stat($0, &key) }) == 0 else {
            // It is to be made there.
            let place = FileSystem.place(of: named)
            return place != nil && place == FileSystem.place(of: path)
        }
        if let status { own = status } else if path.withPathBytes({ stat($0, &own) }) != 0 { return false }
        return own.st_ino == key.st_ino && own.st_dev == key.st_dev
    }

    /// Whether a file's whole content is a key as text: 64 hexadecimal digits, with or without a line end.
    public static func isKey(_ content: some Collection<UInt8>) -> Bool {
        var content = Array(content)
        if content.last == UInt8(ascii: "\n") { content.removeLast() }
        if content.last == UInt8(ascii: "\r") { content.removeLast() }
        return isKey(text: content)
    }

    /// Whether a text is 64 hexadecimal digits.
    public static func isKey(text: some Collection<UInt8>) -> Bool {
        text.count == digits && text.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0 | 0x20) && $0 >= 0x41 }
    }

    /// Whether what lies at a path is, or may be, a key: by its place, or because it is one as text, or 32 bytes that are no text.
    public static func isKept(at path: String) throws -> Bool {
        if isPlace(path) { return true }
        guard FileSystem.isFile(path) else { return false }
        let file = try OpenFile(path, .read), length = try file.regularLength()
        guard length == rawLength || (digits...digits + 2).contains(length) else { return false }
        var bytes = [UInt8](repeating: 0, count: length)
        try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return isKey(bytes) || length == rawLength && bytes.contains { $0 >= 0x7F || $0 < 0x20 && !(9...13).contains($0) }
    }
}
