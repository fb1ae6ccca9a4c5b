/// One HTML file that needs nothing else: no script, no font, no picture from elsewhere. Its policy forbids a browser to load
/// or run anything, should markup from data ever get through.
public struct Page: Sendable {
    public var title: String
    /// BCP 47.
    public var language: String
    /// Above everything: the answer.
    public var header: [Markup]
    public private(set) var sections: [(id: String, heading: String, body: Markup)] = []
    public var footer: Markup

    public init(title: String, language: String = "en-GB", header: [Markup], footer: Markup) {
        (self.title, self.language, self.header, self.footer) = (title, language, header, footer)
    }

    /// - Parameter id: for links to it; one of a kind.
    public mutating func append(_ id: String, _ heading: String, _ body: [Markup]) {
        precondition(!sections.contains { $0.id == id }, "two sections \(id)")
        sections.append((id, heading, Markup(body)))
    }

    public func html() -> String {
        let contents = sections.map { Markup.element("li", [:], .element("a", ["href": "#\($0.id)"], Markup(text: $0.heading))) }
        let body = sections.map { section in
            Markup.element(
                "section", ["id": section.id, "aria-labelledby": "\(section.id)-heading"],
                .element("h2", ["id": "\(section.id)-heading"], Markup(text: section.heading)), section.body)
        }
        let page = Markup.element(
            "html", ["lang": language],
            .element(
                "head", [:], .element("meta", ["charset": "utf-8"]),
                .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .element(
                    "meta",
                    ["http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"]),
                .element("meta", ["name": "color-scheme", "content": "light dark"]),
                // An empty icon, or a browser would ask the server for one.
                .element("link", ["rel": "icon", "href": "data:,"]),
                .element("title", [:], Markup(text: title)), .style(Self.styleSheet)),
            .element(
                "body", [:], .element("header", [:], [.element("h1", [:], Markup(text: title))] + header),
                .element("nav", ["aria-label": "Contents"], .element("ul", [:], contents)), .element("main", [:], body),
                .element("footer", [:], footer)))
        return "<!DOCTYPE html>\n" + page.source + "\n"
    }

    /// A chart with words under it.
    public static func figure(_ chart: some Chart, _ caption: Markup) -> Markup {
        .element("figure", [:], chart.both, .element("figcaption", [:], caption))
    }

    public static func paragraph(_ text: Markup) -> Markup { .element("p", [:], text) }

    public static func list(_ items: [Markup]) -> Markup { .element("ul", [:], items.map { .element("li", [:], $0) }) }

    /// Terms beside what they are.
    public static func definitions(_ items: [(term: Markup, meaning: Markup)], kind: String = "facts") -> Markup {
        .element(
            "dl", ["class": kind], items.map { .element("div", [:], .element("dt", [:], $0.term), .element("dd", [:], $0.meaning)) })
    }
}
