import Foundation
import Testing

@testable import Files

@Suite("Texts")
struct TextTests {
    @Test("Numbers are written as printf has them", arguments: [
        ("%.2f", 1.005, "1.00"), ("%.2f", -0.004, "-0.00"), ("%+.2e", 12345, "+1.23e+04"), ("%.3g", 0.000123456, "0.000123"), ("%.0f %%", 99.5, "100 %"),
        ("%.1f", .infinity, "inf"), ("%.1g", 0, "0"),
    ] as [(String, Double, String)])
    func numbers(format: String, value: Double, text: String) { #expect(String(format, of: value) == text) }

    @Test("The longest number is whole")
    func longest() {
        let text = String("%.9f", of: -.greatestFiniteMagnitude)
        #expect(text.utf8.count == 320 && Double(text) == -.greatestFiniteMagnitude)
    }

    @Test("What looks the same is written the same", arguments: [
        ("plain", "plain"), ("e\u{301}", "\u{E9}"), ("\u{212B}", "\u{C5}"), ("a\u{301}\u{327}", "\u{E1}\u{327}"), ("\u{1112}\u{1161}\u{11AB}", "\u{D55C}"),
        // A syllable whose last consonant comes apart from it.
        ("\u{D558}\u{11AB}", "\u{D55C}"), ("\u{F900}", "\u{8C48}"), ("👩‍👩‍👧", "👩‍👩‍👧"), ("", ""),
    ])
    func composed(text: String, composed: String) {
        #expect(Array(text.composed.unicodeScalars) == Array(composed.unicodeScalars))
        #expect(Array(text.composed.composed.unicodeScalars) == Array(composed.unicodeScalars))
    }

    @Test("Every character alone is written as another implementation has it")
    func characters() {
        let scalars = (0..<0x3_0000 as Range<UInt32>).compactMap(Unicode.Scalar.init).map { String(Character($0)) }
        #expect(scalars.allSatisfy { Array($0.composed.utf8) == Array($0.precomposedStringWithCanonicalMapping.utf8) })
    }

    @Test("Blanks around a text go, line ends stay", arguments: [
        (" a b\t", "a b"), ("\u{A0}\u{3000}x", "x"), ("", ""), (" \t ", ""), ("x\n", "x\n"), ("\r", "\r"),
    ])
    func blanks(text: String, kept: String) { #expect(text.withoutBlanksAround == kept) }
}
