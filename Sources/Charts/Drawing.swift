/// Shapes of an SVG drawing in pixels, from the upper left corner. Colours and line widths are the page's: shapes carry
/// class names of its style sheet (`Page`), so that they follow a dark or light page and print.
struct Drawing {
    let width: Double
    let height: Double
    /// Read aloud in place of the drawing.
    let description: String
    private var shapes: [Markup] = []

    static let fontSize = 13.0
    /// Of a line of text.
    static let lineHeight = 17.0

    enum Anchor: String { case start, middle, end }

    init(width: Double, height: Double, description: String) {
        (self.width, self.height, self.description) = (width, height, description)
    }

    mutating func line(_ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) {
        shapes.append(.element("line", ["class": kind, "x1": Self.text(x1), "y1": Self.text(y1), "x2": Self.text(x2), "y2": Self.text(y2)]))
    }

    mutating func polyline(_ kind: String, _ points: [(x: Double, y: Double)]) {
        let places = points.map { "\(Self.text($0.x)),\(Self.text($0.y))" }.joined(separator: " ")
        shapes.append(.element("polyline", ["class": kind, "points": places]))
    }

    /// - Parameter title: shown where a pointer rests on it.
    mutating func rectangle(_ kind: String, x: Double, y: Double, width: Double, height: Double, title: String? = nil) {
        shapes.append(.element(
            "rect", ["class": kind, "x": Self.text(x), "y": Self.text(y), "width": Self.text(width), "height": Self.text(height)], Self.title(title)))
    }

    /// A mark whose shape tells series apart where colour does not: circle, square, diamond, triangle by number.
    mutating func mark(_ kind: String, _ shape: Int, x: Double, y: Double, radius r: Double = 4, title: String? = nil) {
        let title = Self.title(title)
        func polygon(_ corners: [(Double, Double)]) -> Markup {
            let points = corners.map { "\(Self.text(x + $0.0)),\(Self.text(y + $0.1))" }.joined(separator: " ")
            return .element("polygon", ["class": kind, "points": points], title)
        }
        let s = r * 0.9, d = r * 1.25
        switch shape % 4 {
        case 0: shapes.append(.element("circle", ["class": kind, "cx": Self.text(x), "cy": Self.text(y), "r": Self.text(r)], title))
        case 1: shapes.append(polygon([(-s, -s), (s, -s), (s, s), (-s, s)]))
        case 2: shapes.append(polygon([(0, -d), (d, 0), (0, d), (-d, 0)]))
        default: shapes.append(polygon([(0, -d), (d, d * 0.8), (-d, d * 0.8)]))
        }
    }

    /// - Parameters:
    ///   - y: of the base line.
    ///   - full: shown where a pointer rests on a shortened text.
    mutating func text(_ text: String, x: Double, y: Double, anchor: Anchor = .start, kind: String = "label", full: String? = nil) {
        shapes.append(.element(
            "text", ["class": kind, "x": Self.text(x), "y": Self.text(y), "text-anchor": anchor.rawValue],
            Self.title(full == text ? nil : full) + [Markup(text: text)]))
    }

    /// - Parameter kind: a class that tells drawings for narrow and for wide windows apart.
    func markup(kind: String) -> Markup {
        .element(
            "svg",
            [
                "class": "chart \(kind)", "viewBox": "0 0 \(Self.text(width)) \(Self.text(height))", "width": Self.text(width),
                "height": Self.text(height), "role": "img", "aria-label": description,
            ],
            Self.title(description) + shapes)
    }

    /// Shown where a pointer rests on a shape.
    private static func title(_ text: String?) -> [Markup] { text.map { [.element("title", [:], Markup(text: $0))] } ?? [] }

    /// A tenth of a pixel is enough.
    private static func text(_ value: Double) -> String {
        precondition(value.isFinite)
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }
}
