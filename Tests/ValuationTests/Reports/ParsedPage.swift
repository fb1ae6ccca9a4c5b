import Foundation

#if canImport(FoundationXML)
import FoundationXML
#endif

/// A page as libxml2, which shares nothing with the writer, reads it.
final class ParsedPage: NSObject, XMLParserDelegate {
    private var all: [(name: String, attributes: [String: String], section: String)] = []
    private var path: [String] = []
    private var section = ""
    private var parts: [String] = []
    /// Of tables' bodies, without the cells that name their rows.
    private(set) var cells: [(kind: String, label: String, text: String)] = []

    struct Malformed: Error {
        let line: Int
        let reason: String
    }

    init(_ html: String) throws {
        super.init()
        let parser = XMLParser(data: Data(html.utf8))
        parser.delegate = self
        guard parser.parse() else { throw Malformed(line: parser.lineNumber, reason: "\(parser.parserError as Any)") }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String] = [:]
    ) {
        if name == "section" { section = attributes["id"] ?? "" }
        path.append(name)
        if name == "td" { cells.append((attributes["class"] ?? "", attributes["data-label"] ?? "", "")) }
        all.append((name, attributes, section))
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) { path.removeLast() }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if !path.contains("style") { parts.append(string) }
        if path.contains("td") { cells[cells.count - 1].text += string }
    }

    /// Attributes of each element of a name.
    func elements(_ name: String) -> [[String: String]] { all.filter { $0.name == name }.map(\.attributes) }

    /// An attribute's values, in elements of a name or in all.
    func attributes(_ element: String?, _ attribute: String) -> [String] {
        all.filter { element == nil || $0.name == element }.compactMap { $0.attributes[attribute] }
    }

    /// Rows with a heading of their own: the bodies of tables.
    func rows(of section: String) -> Int { all.count { $0.section == section && $0.name == "th" && $0.attributes["scope"] == "row" } }

    /// What a person reads; spaces that keep lines together are spaces.
    var text: String { parts.joined().replacing("\u{A0}", with: " ") }

    var words: Set<String> {
        let attributes = all.flatMap { [$0.attributes["aria-label"] ?? "", $0.attributes["points"] ?? ""] }
        return Set((parts + attributes).flatMap { $0.split { !$0.isLetter && $0 != "∞" && $0 != "-" }.map(String.init) })
    }
}
