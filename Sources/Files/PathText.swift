import Glibc

/// Paths are bytes to the system and text to this program. Most are UTF-8; a byte that is not becomes a character for private use,
/// and that character is turned back into the byte at every system call. `String` would put U+FFFD there, and two folders
/// whose names differ in such a byte would be one.
///
/// Bytes → text → bytes gives what was given: the characters that stand for bytes are spelt byte by byte themselves.
public enum PathText {
    /// The byte 0x80 is U+10FE80, 0xFF is U+10FEFF.
    private static let firstScalar: UInt32 = 0x10FE00

    /// Somebody else's words with blanks for what would steer a terminal: controls, ends of lines and marks that turn the direction of writing.
    public static func withoutControls(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: " "
                    default: scalar
                    }
                }))
    }

    public static func text(of bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: { byte(of: $0) != nil }) { return text }
        var scalars = String.UnicodeScalarView(), next = 0
        while next < bytes.count {
            let length = [1, 2, 3, 4].first { length in
                guard next + length <= bytes.count, let text = String(validating: bytes[next..<next + length], as: UTF8.self) else { return false }
                return text.unicodeScalars.count == 1 && byte(of: text.unicodeScalars.first!) == nil
            }
            if let length {
                scalars.append(contentsOf: String(decoding: bytes[next..<next + length], as: UTF8.self).unicodeScalars)
                next += length
            } else {
                scalars.append(Unicode.Scalar(firstScalar + UInt32(bytes[next]))!)
                next += 1
            }
        }
        return String(scalars)
    }

    public static func text(of pointer: UnsafePointer<CChar>) -> String {
        text(of: UnsafeRawBufferPointer(start: pointer, count: strlen(pointer)))
    }

    public static func bytes(of text: String) -> [UInt8] {
        guard text.unicodeScalars.contains(where: { byte(of: $0) != nil }) else { return Array(text.utf8) }
        return text.unicodeScalars.flatMap { scalar in byte(of: scalar).map { [$0] } ?? Array(String(scalar).utf8) }
    }

    /// For people and for JSON: a byte that is no text as `\xE9`.
    public static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { byte(of: $0) != nil }) else { return text }
        return text.unicodeScalars.map { scalar in byte(of: scalar).map { "\\x" + String($0, radix: 16, uppercase: true) } ?? String(scalar) }.joined()
    }

    private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
        (firstScalar + 0x80...firstScalar + 0xFF).contains(scalar.value) ? UInt8(scalar.value - firstScalar) : nil
    }

    /// The words of the command line, without the program's name.
    public static var arguments: [String] {
        (1..<max(1, Int(CommandLine.argc))).compactMap { CommandLine.unsafeArgv[$0].map { text(of: UnsafePointer($0)) } }
    }

    /// A variable of the environment; nil where it is not set, or empty.
    public static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return text(of: UnsafePointer(value))
    }
}

extension String {
    /// Calls `body` with the bytes that this path stands for, a zero behind them. What the call leaves in `errno` stays there.
    public func withPathBytes<Result>(_ body: (UnsafePointer<CChar>) throws -> Result) rethrows -> Result {
        let bytes = PathText.bytes(of: self).map { CChar(bitPattern: $0) } + [0]
        var code: Int32 = 0
        defer { errno = code }
        return try bytes.withUnsafeBufferPointer { buffer in
            defer { code = errno }
            return try body(buffer.baseAddress!)
        }
    }
}
