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

    /// - Throws: `Fault` where the bytes are anything but one value and white space around it.
    /// - Complexity: O(bytes).
    public static func validate(_ bytes: [UInt8], nul: NULCharacter = .refused) throws(Fault) {
        guard String(validating: bytes, as: UTF8.self) != nil else { throw Fault(what: "bytes that are not UTF-8", offset: 0) }
        let fault = bytes.withUnsafeBufferPointer { buffer -> Fault? in
            var scanner = Scanner(bytes: buffer, nul: nul)
            do throws(Fault) {
                try scanner.document()
                return nil
            } catch {
                return error
            }
        }
        if let fault { throw fault }
    }

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
        var next = 0
        var level = 0

        init(bytes: UnsafeBufferPointer<UInt8>, nul: NULCharacter) { (self.bytes, self.nul) = (bytes, nul) }

        func fault(_ what: String) -> Fault { Fault(what: what, offset: next) }

        private func byte() -> UInt8? { next < bytes.count ? bytes[next] : nil }

        private mutating func take(_ character: Character) -> Bool {
            guard byte() == character.asciiValue else { return false }
            next += 1
            return true
        }

        private mutating func skipSpace() { while let byte = byte(), [0x20, 0x09, 0x0A, 0x0D].contains(byte) { next += 1 } }

        mutating func document() throws(Fault) {
            try value()
            guard next == bytes.count else { throw fault("bytes behind the end") }
        }

        /// A value and the white space around it.
        private mutating func value() throws(Fault) {
            skipSpace()
            switch byte() {
            case UInt8(ascii: "{"): try object()
            case UInt8(ascii: "["): try array()
            case UInt8(ascii: "\""): _ = try string(isKey: false)
            case UInt8(ascii: "t"): try word("true")
            case UInt8(ascii: "f"): try word("false")
            case UInt8(ascii: "n"): try word("null")
            case nil: throw fault("an end where a value must be")
            case let byte? where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte): try number()
            default: throw fault("no value")
            }
            skipSpace()
        }

        private mutating func word(_ word: StaticString) throws(Fault) {
            let matches = next + word.utf8CodeUnitCount <= bytes.count
                && (0..<word.utf8CodeUnitCount).allSatisfy { bytes[next + $0] == word.utf8Start[$0] }
            guard matches else { throw fault("no value") }
            next += word.utf8CodeUnitCount
        }

        private mutating func enter() throws(Fault) {
            level += 1
            next += 1
            guard level <= StrictJSON.mostLevels else { throw fault("more than \(StrictJSON.mostLevels) levels") }
        }

        private mutating func array() throws(Fault) {
            try enter()
            defer { level -= 1 }
            skipSpace()
            if take("]") { return }
            repeat { try value() } while take(",")
            guard take("]") else { throw fault("an array that is not closed") }
        }

        private mutating func object() throws(Fault) {
            try enter()
            defer { level -= 1 }
            skipSpace()
            if take("}") { return }
            var keys: Set<[UInt8]> = []
            repeat {
                skipSpace()
                guard byte() == UInt8(ascii: "\"") else { throw fault("no key") }
                let key = try string(isKey: true)
                guard keys.insert(key).inserted else { throw fault("a key twice") }
                skipSpace()
                guard take(":") else { throw fault("no colon behind a key") }
                try value()
            } while take(",")
            guard take("}") else { throw fault("an object that is not closed") }
        }

        /// Passes a string; gives a key's characters without underscores and in lower case, what two keys must differ in.
        private mutating func string(isKey: Bool) throws(Fault) -> [UInt8] {
            next += 1
            var key: [UInt8] = []
            while let byte = byte() {
                next += 1
                var character = UInt32(byte)
                switch byte {
                case UInt8(ascii: "\""): return key
                case 0..<0x20: throw fault("a control character in a string")
                case UInt8(ascii: "\\"): character = try escape()
                default: break
                }
                guard isKey else { continue }
                guard character < 0x80 else { throw fault("a key that is not ASCII") }
                if character != 0x5F { key.append(UInt8((0x41...0x5A).contains(character) ? character + 0x20 : character)) }
            }
            throw fault("a string that is not closed")
        }

        private mutating func escape() throws(Fault) -> UInt32 {
            guard let byte = byte() else { throw fault("a string that is not closed") }
            next += 1
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt32(byte)
            case UInt8(ascii: "b"): return 8
            case UInt8(ascii: "f"): return 12
            case UInt8(ascii: "n"): return 10
            case UInt8(ascii: "r"): return 13
            case UInt8(ascii: "t"): return 9
            case UInt8(ascii: "u"):
                let unit = try hexadecimal()
                switch unit {
                case 0 where nul == .refused: throw fault("the character NUL")
                case 0xD800...0xDBFF:
                    guard take("\\"), take("u"), case let low = try hexadecimal(), (0xDC00...0xDFFF).contains(low) else {
                        throw fault("half a surrogate pair")
                    }
                    return 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                case 0xDC00...0xDFFF: throw fault("half a surrogate pair")
                default: return unit
                }
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

        private mutating func number() throws(Fault) {
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
            guard isInteger ? Int64(text) != nil : Double(text)?.isFinite == true else { throw fault("a number that is too large") }
        }
    }
}
