import Foundation

/// The one grammar of JSON that evidence is read by: RFC 8259, and nothing that two readers could take differently.
///
/// Refused are therefore also: a key twice, however it is written, and keys that differ in case or underscores alone; keys that
/// are not ASCII; more than 64 levels; numbers that no 64-bit integer or finite double holds; the character NUL; halves of
/// surrogate pairs; a byte order mark. `Scripts/verify-certificate` refuses the same.
public enum StrictJSON {
    /// Why bytes are not strict JSON, and where.
    public struct Fault: Error, Equatable, CustomStringConvertible {
        public let what: String
        /// From 0.
        public let offset: Int
        public var description: String { "\(what) at byte \(offset)" }
    }

    public static let mostLevels = 64

    /// What becomes of the escape of the character NUL, which evidence has no use for. What a model's file says of its model has one: a
    /// category whose name is forgotten.
    public enum NULCharacter: Sendable { case refused, read }

    /// The value that the bytes are: whole numbers as integers, however they are written.
    ///
    /// - Throws: `Fault` where the bytes are anything but one value and white space around it.
    /// - Complexity: O(bytes).
    public static func value(of bytes: [UInt8], nul: NULCharacter = .refused) throws(Fault) -> JSONValue { try read(bytes, nul, keeping: true) }

    /// - Parameter keeping: whether arrays and objects hold what is in them, or are only passed.
    private static func read(_ bytes: [UInt8], _ nul: NULCharacter, keeping: Bool) throws(Fault) -> JSONValue {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Fault(what: "bytes that are not UTF-8", offset: 0) }
        return try bytes.withUnsafeBufferPointer { buffer -> Result<JSONValue, Fault> in
            var scanner = Scanner(bytes: buffer, nul: nul, keeping: keeping)
            do throws(Fault) { return .success(try scanner.document()) } catch { return .failure(error) }
        }.get()
    }

    /// - Throws: `Fault` where the bytes are anything but one value and white space around it.
    /// - Complexity: O(bytes).
    public static func validate(_ bytes: [UInt8], nul: NULCharacter = .refused) throws(Fault) { _ = try read(bytes, nul, keeping: false) }

    /// Decodes what is strict JSON.
    public static func decode<Value: Decodable>(
        _: Value.Type = Value.self, from bytes: [UInt8], with decoder: JSONDecoder = JSONDecoder(), nul: NULCharacter = .refused
    ) throws -> Value {
        try validate(bytes, nul: nul)
        return try decoder.decode(Value.self, from: Data(bytes))
    }

    /// Bytes as the one base64 text that encodes them; nil for every other text: missing or wrong padding, bits behind the end, blanks.
    public static func bytes(base64 text: String) -> [UInt8]? {
        guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else { return nil }
        return Array(data)
    }

    private struct Scanner {
        let bytes: UnsafeBufferPointer<UInt8>
        let nul: NULCharacter
        let keeping: Bool
        var next = 0
        var level = 0

        init(bytes: UnsafeBufferPointer<UInt8>, nul: NULCharacter, keeping: Bool) { (self.bytes, self.nul, self.keeping) = (bytes, nul, keeping) }

        func fault(_ what: String) -> Fault { Fault(what: what, offset: next) }

        private func byte() -> UInt8? { next < bytes.count ? bytes[next] : nil }

        private mutating func take(_ character: Character) -> Bool {
            guard byte() == character.asciiValue else { return false }
            next += 1
            return true
        }

        private mutating func skipSpace() { while let byte = byte(), [0x20, 0x09, 0x0A, 0x0D].contains(byte) { next += 1 } }

        mutating func document() throws(Fault) -> JSONValue {
            let value = try value()
            guard next == bytes.count else { throw fault("bytes behind the end") }
            return value
        }

        /// A value and the white space around it.
        private mutating func value() throws(Fault) -> JSONValue {
            skipSpace()
            let value: JSONValue
            switch byte() {
            case UInt8(ascii: "{"): value = .object(try object())
            case UInt8(ascii: "["): value = .array(try array())
            case UInt8(ascii: "\""): value = .string(try string())
            case UInt8(ascii: "t"): value = try word("true", .bool(true))
            case UInt8(ascii: "f"): value = try word("false", .bool(false))
            case UInt8(ascii: "n"): value = try word("null", .null)
            case nil: throw fault("an end where a value must be")
            case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte): value = try number()
            default: throw fault("no value")
            }
            skipSpace()
            return value
        }

        private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Fault) -> JSONValue {
            let matches = next + word.utf8CodeUnitCount <= bytes.count
                && (0..<word.utf8CodeUnitCount).allSatisfy { bytes[next + $0] == word.utf8Start[$0] }
            guard matches else { throw fault("no value") }
            next += word.utf8CodeUnitCount
            return value
        }

        private mutating func enter() throws(Fault) {
            level += 1
            next += 1
            guard level <= StrictJSON.mostLevels else { throw fault("more than \(StrictJSON.mostLevels) levels") }
        }

        private mutating func array() throws(Fault) -> [JSONValue] {
            try enter()
            defer { level -= 1 }
            skipSpace()
            if take("]") { return [] }
            var values: [JSONValue] = []
            repeat {
                let value = try value()
                if keeping { values.append(value) }
            } while take(",")
            guard take("]") else { throw fault("an array that is not closed") }
            return values
        }

        private mutating func object() throws(Fault) -> [String: JSONValue] {
            try enter()
            defer { level -= 1 }
            skipSpace()
            if take("}") { return [:] }
            var values: [String: JSONValue] = [:], names: Set<[UInt8]> = []
            repeat {
                skipSpace()
                guard byte() == UInt8(ascii: "\"") else { throw fault("no key") }
                let key = try string()
                // What two keys must differ in: neither case nor underscores.
                var name: [UInt8] = []
                for byte in key.utf8 {
                    guard byte < 0x80 else { throw fault("a key that is not ASCII") }
                    if byte != 0x5F { name.append((0x41...0x5A).contains(byte) ? byte + 0x20 : byte) }
                }
                guard names.insert(name).inserted else { throw fault("a key twice") }
                skipSpace()
                guard take(":") else { throw fault("no colon behind a key") }
                let value = try value()
                if keeping { values[key] = value }
            } while take(",")
            guard take("}") else { throw fault("an object that is not closed") }
            return values
        }

        /// Most strings stand as they are; those with escapes are put together of the pieces between them.
        private mutating func string() throws(Fault) -> String {
            next += 1
            var start = next, text = ""
            while let byte = byte() {
                switch byte {
                case UInt8(ascii: "\""):
                    let end = String(decoding: bytes[start..<next], as: UTF8.self)
                    next += 1
                    return text.isEmpty ? end : text + end
                case 0..<0x20:
                    next += 1
                    throw fault("a control character in a string")
                case UInt8(ascii: "\\"):
                    text += String(decoding: bytes[start..<next], as: UTF8.self)
                    next += 1
                    text.unicodeScalars.append(try escape())
                    start = next
                default: next += 1
                }
            }
            throw fault("a string that is not closed")
        }

        private mutating func escape() throws(Fault) -> Unicode.Scalar {
            guard let byte = byte() else { throw fault("a string that is not closed") }
            next += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
            case UInt8(ascii: "b"): return "\u{8}"
            case UInt8(ascii: "f"): return "\u{C}"
            case UInt8(ascii: "n"): return "\n"
            case UInt8(ascii: "r"): return "\r"
            case UInt8(ascii: "t"): return "\t"
            case UInt8(ascii: "u"):
                var unit = try hexadecimal()
                if unit == 0, nul == .refused { throw fault("the character NUL") }
                if (0xD800...0xDBFF).contains(unit), take("\\"), take("u"), case let low = try hexadecimal(), (0xDC00...0xDFFF).contains(low) {
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                }
                guard let character = Unicode.Scalar(unit) else { throw fault("half a surrogate pair") }
                return character
            default: throw fault("an escape that there is not")
            }
        }

        private mutating func hexadecimal() throws(Fault) -> UInt32 {
            var value: UInt32 = 0
            for _ in 0..<4 {
                guard let digit = byte().flatMap({ Character(UnicodeScalar($0)).hexDigitValue }) else { throw fault("an escape that there is not") }
                value = value << 4 | UInt32(digit)
                next += 1
            }
            return value
        }

        private mutating func digits() throws(Fault) {
            guard let byte = byte(), (0x30...0x39).contains(byte) else { throw fault("a number without digits") }
            while let byte = self.byte(), (0x30...0x39).contains(byte) { next += 1 }
        }

        private mutating func number() throws(Fault) -> JSONValue {
            let start = next
            var isInteger = true
            _ = take("-")
            if !take("0") { try digits() }
            if take(".") {
                isInteger = false
                try digits()
            }
            if byte().map({ $0 | 0x20 }) == UInt8(ascii: "e") {
                isInteger = false
                next += 1
                if !take("+") { _ = take("-") }
                try digits()
            }
            let text = String(decoding: bytes[start..<next], as: UTF8.self)
            if isInteger, let integer = Int(text) { return .integer(integer) }
            guard !isInteger, let number = Double(text), number.isFinite else { throw fault("a number that is too large") }
            if number.magnitude < 0x1p53 { return Int(exactly: number).map(JSONValue.integer) ?? .number(number) }
            // Beyond, a double is not the number that its digits say: digests that were issued took it as Foundation does.
            return (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .number(number)
        }
    }
}
