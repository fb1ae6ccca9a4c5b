import Glibc
// The standard library has no public name yet for the normalisation by which it compares strings.
@_spi(_Unicode) import Swift

extension String {
    /// As C's `printf` writes it, whatever the locale: the program never sets one.
    /// - Parameter format: directives for doubles alone, such as `%.2f`.
    package init(_ format: String, of value: Double) {
        self = withVaList([value]) { arguments in
            // The longest are those of numbers near the largest double, written without an exponent.
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
                let count = vsnprintf(buffer.baseAddress!, buffer.count, format, arguments)
                precondition((0..<buffer.count).contains(Int(count)), "a number is written in fewer than 512 characters")
                return String(cString: buffer.baseAddress!)
            }
        }
    }
}

extension String {
    /// In Unicode's form C: what looks the same is written the same.
    package var composed: String {
        utf8.allSatisfy { $0 < 0x80 } ? self : String(String.UnicodeScalarView(_nfc))
    }
}

extension StringProtocol {
    /// Without blanks and tabs at either end; line ends stay.
    package var withoutBlanksAround: String { withoutBlanksAround { $0.properties.generalCategory == .spaceSeparator || $0 == "\t" } }

    package func withoutBlanksAround(_ isBlank: (Unicode.Scalar) -> Bool) -> String {
        let kept = unicodeScalars.drop(while: isBlank)
        guard let last = kept.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(String.UnicodeScalarView(kept[...last]))
    }
}
