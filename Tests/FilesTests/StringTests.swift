import Testing

@testable import Files

@Suite("Texts")
struct StringTests {
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

    @Test("Blanks around a text go, line ends stay", arguments: [
        (" a b\t", "a b"), ("\u{A0}\u{3000}x\u{200B}", "x"), ("", ""), (" \t ", ""), ("x\n", "x\n"), ("\r", "\r"),
    ])
    func blanks(text: String, kept: String) { #expect(text.trimmed == kept) }

    @Test("Only what is meant is trimmed")
    func some() { #expect("--a-".trimmed { $0 == "-" } == "a" && " a".trimmed { $0 == "-" } == " a") }
}
