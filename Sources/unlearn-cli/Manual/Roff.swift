/// Text for the man macros of troff (man(7)), which groff and mandoc read.
enum Roff {
    /// Each text as a paragraph of one line: a line end would be a space, and a dot or an apostrophe at a line's start a request.
    static func paragraph(_ text: String) -> String {
        let line = escaped(text)
        return (line.hasPrefix(".") ? "\\&" : "") + line + "\n"
    }

    static func section(_ name: String) -> String { ".SH \(name)\n" }

    /// A term in bold, what the user puts there in italics, and what is said of both behind a tab.
    static func item(_ term: String, value: String? = nil, _ text: String) -> String {
        ".TP\n\(bold(term))\(value.map { " " + italic($0) } ?? "")\n\(paragraph(text))"
    }

    /// Lines that are neither filled nor broken.
    static func example(_ text: String) -> String { ".EX\n\(paragraph(text)).EE\n" }

    static func bold(_ text: String) -> String { "\\fB\(escaped(text))\\fR" }
    static func italic(_ text: String) -> String { "\\fI\(escaped(text))\\fR" }

    /// Characters that troff reads as something else, or prints as something that a shell does not take, by their names.
    static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\e"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "`": result += "\\(ga"
            case "^": result += "\\(ha"
            case "~": result += "\\(ti"
            case "\n": result += " "
            default: result += scalar.isASCII ? String(scalar) : "\\[u" + hexadecimal(scalar) + "]"
            }
        }
        return result
    }

    /// At least four digits, as groff_char(7) asks.
    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
