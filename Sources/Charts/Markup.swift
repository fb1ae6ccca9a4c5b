/// A piece of finished HTML or SVG. Plain text becomes markup only by escaping, so that no name can end an element, begin a
/// script or turn the writing direction of what follows. Well-formed as XML too: any parser reads it.
///
///     let line: Markup = "\(name) adds \(Markup.element("b", [:], "4.2 points"))"    // name is escaped
public struct Markup: Sendable, Equatable {
    /// As it stands in the file.
    public let source: String

    private init(source: String) { self.source = source }

    /// Escaped text. What XML cannot hold (control characters) and what overrides the writing direction shows as U+FFFD.
    public init(text: String) {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(Self.isSafe(scalar) ? scalar : "\u{FFFD}")
            }
        }
        source = escaped
    }

    /// One after the other.
    public init(_ pieces: [Markup]) { source = pieces.reduce(into: "") { $0 += $1.source } }

    public static let none = Markup(source: "")

    public var isEmpty: Bool { source.isEmpty }

    /// - Parameters:
    ///   - name: of the element, and the names of attributes: written as they are, so never from data.
    ///   - attributes: their values are escaped.
    public static func element(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ children: Markup...) -> Markup {
        element(name, attributes, children)
    }

    public static func element(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:], _ children: [Markup]) -> Markup {
        var source = "<\(name)"
        for (attribute, value) in attributes { source += " \(attribute)=\"\(Markup(text: value).source)\"" }
        guard !(children.isEmpty && voidElements.contains("\(name)")) else { return Markup(source: source + "/>") }
        source += ">"
        for child in children { source += child.source }
        return Markup(source: source + "</\(name)>")
    }

    /// A style sheet: CSS is not escaped in HTML, so it must be the program's own.
    static func style(_ sheet: StaticString) -> Markup {
        precondition(!"\(sheet)".contains { $0 == "<" || $0 == "&" }, "this style sheet would not be read as XML")
        return Markup(source: "<style>\n\(sheet)\n</style>")
    }

    /// A name or other text from outside within a sentence: its writing direction stays its own.
    public static func isolated(_ text: String) -> Markup { element("bdi", [:], Markup(text: text)) }

    /// Elements that HTML knows without an end tag.
    private static let voidElements: Set = ["meta", "link", "br", "hr"]

    private static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: true
        case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFFFE, 0xFFFF: false
        default: true
        }
    }
}

extension Markup: ExpressibleByStringInterpolation {
    /// Literals are text as well: `"a < b"` is escaped.
    public init(stringLiteral text: String) { self.init(text: text) }

    public init(stringInterpolation pieces: Interpolation) { source = pieces.source }

    public struct Interpolation: StringInterpolationProtocol {
        fileprivate var source = ""

        public init(literalCapacity: Int, interpolationCount: Int) { source.reserveCapacity(literalCapacity * 2) }

        public mutating func appendLiteral(_ text: String) { source += Markup(text: text).source }

        public mutating func appendInterpolation(_ text: String) { source += Markup(text: text).source }

        public mutating func appendInterpolation(_ number: Int) { source += Markup(text: NumberText.grouped(number)).source }

        public mutating func appendInterpolation(_ markup: Markup) { source += markup.source }
    }
}

extension String.StringInterpolation {
    /// Markup in plain text would be escaped a second time, or worse: where this is called, the literal's type was not `Markup`.
    @available(*, unavailable, message: "markup within plain text: make the literal a Markup")
    public mutating func appendInterpolation(_ markup: Markup) { preconditionFailure("unavailable") }
}
