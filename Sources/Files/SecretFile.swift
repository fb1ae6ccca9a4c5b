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
        text.count == digits && text.allSatisfy(isDigit)
    }

    /// Whether a text may show a key, or most of one: it holds more hexadecimal digits in a row than the identifiers that people
    /// use have (UUID and MD5 32, SHA-1 40).
    public static func mayShowKey(_ text: some StringProtocol) -> Bool { runs(in: Array(text.utf8)).contains { $0.count > mostHarmlessDigits } }

    /// A message without what may be a key, or most of one: files that are read for something else may hold a copy. Digits of a
    /// path stay: some systems name folders so.
    public static func hidingDigits(in message: String) -> String {
        let bytes = Array(message.utf8), slash = UInt8(ascii: "/")
        var hidden: [UInt8] = [], end = 0
        for run in runs(in: bytes) where run.count > mostHarmlessDigits {
            let isInPath = run.lowerBound > 0 && bytes[run.lowerBound - 1] == slash || run.upperBound < bytes.count && bytes[run.upperBound] == slash
            if isInPath { continue }
            hidden += bytes[end..<run.lowerBound] + Array("(\(run.count) hexadecimal digits)".utf8)
            end = run.upperBound
        }
        return end == 0 ? message : String(decoding: hidden + bytes[end...], as: UTF8.self)
    }

    private static let mostHarmlessDigits = 40

    /// Where hexadecimal digits stand in a row.
    private static func runs(in bytes: [UInt8]) -> [Range<Int>] {
        var runs: [Range<Int>] = [], start: Int?
        for (index, byte) in bytes.enumerated() {
            if isDigit(byte) {
                start = start ?? index
            } else if let first = start {
                runs.append(first..<index)
                start = nil
            }
        }
        if let first = start { runs.append(first..<bytes.count) }
        return runs
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20) && byte >= 0x41 }

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
