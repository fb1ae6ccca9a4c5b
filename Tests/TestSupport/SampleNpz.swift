/// NumPy files byte by byte: `.npy` by numpy.lib.format, zip by PKWARE's APPNOTE.
public enum SampleNPZ {
    /// One `.npy`, version 1.
    public static func npy(_ type: String, _ shape: [Int], _ data: [UInt8], fortran: Bool = false) -> [UInt8] {
        let tuple = "(" + shape.map { "\($0), " }.joined() + ")"
        return npy(dictionary: "{'descr': '\(type)', 'fortran_order': \(fortran ? "True" : "False"), 'shape': \(tuple), }", data)
    }

    public static func npy(dictionary: String, _ data: [UInt8], version: UInt8 = 1, length: Int? = nil) -> [UInt8] {
        let text = Array((dictionary + "\n").utf8)
        return [0x93] + Array("NUMPY".utf8) + [version, 0] + number(length ?? text.count, version == 1 ? 2 : 4) + text + data
    }

    /// One file in a zip archive; what it claims can differ from what it holds.
    public struct Entry: Sendable {
        public var name: [UInt8]
        public var stored: [UInt8]
        public var size: Int
        public var checksum: UInt32
        /// 0 stored, 8 deflated.
        public var method: Int

        public init(_ name: String, _ bytes: [UInt8]) {
            self.name = Array(name.utf8)
            stored = bytes
            size = bytes.count
            checksum = crc32(bytes)
            method = 0
        }

        /// Deflated without compression: one final block of stored bytes (RFC 1951, 3.2.4).
        public var deflated: Entry {
            precondition(stored.count < 65_536)
            var copy = self
            copy.method = 8
            copy.stored = [1] + number(stored.count, 2) + number(~stored.count & 0xFFFF, 2) + stored
            return copy
        }
    }

    /// A zip archive: entries, the central directory, its end.
    public static func zip(_ entries: [Entry]) -> [UInt8] {
        var file: [UInt8] = [], directory: [UInt8] = []
        for entry in entries {
            let start = file.count
            let common =
                number(entry.method, 2) + number(0, 4) + number(Int(entry.checksum), 4) + number(entry.stored.count, 4) + number(entry.size, 4)
                + number(entry.name.count, 2) + number(0, 2)
            file += Array("PK\u{3}\u{4}".utf8) + number(20, 2) + number(0, 2) + common + entry.name + entry.stored
            directory += Array("PK\u{1}\u{2}".utf8) + number(20, 2) + number(20, 2) + number(0, 2) + common
            directory += number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(start, 4) + entry.name
        }
        let end = number(0, 4) + number(entries.count, 2) + number(entries.count, 2) + number(directory.count, 4) + number(file.count, 4)
        return file + directory + Array("PK\u{5}\u{6}".utf8) + end + number(0, 2)
    }

    /// The lowest bytes of a number, little-endian.
    public static func number(_ value: Int, _ bytes: Int) -> [UInt8] { (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

    public static func floats(_ values: [Float]) -> [UInt8] { values.flatMap { number(Int($0.bitPattern), 4) } }
    public static func doubles(_ values: [Double]) -> [UInt8] { values.flatMap { number(Int(bitPattern: UInt($0.bitPattern)), 8) } }

    /// Texts as NumPy's `<U…`, four bytes a character.
    public static func unicode(_ texts: [String], characters: Int) -> [UInt8] {
        texts.flatMap { text in
            let codes = text.unicodeScalars.map { Int($0.value) }
            return (codes + [Int](repeating: 0, count: characters - codes.count)).flatMap { number($0, 4) }
        }
    }

    /// CRC-32 (ISO 3309), bit by bit.
    public static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { sum, byte in (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0) } }
    }
}
