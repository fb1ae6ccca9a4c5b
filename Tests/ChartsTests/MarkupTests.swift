import Testing

@testable import Charts

@Suite struct MarkupTests {
    @Test func `text, literals, interpolated text and attributes are escaped, markup is not escaped twice`() {
        let name = "<a href='x'>&\""
        #expect(Markup(text: name).source == "&lt;a href=&#39;x&#39;&gt;&amp;&quot;")
        #expect(("1 < 2 \(name)" as Markup).source == "1 &lt; 2 &lt;a href=&#39;x&#39;&gt;&amp;&quot;")
        let bold = Markup.element("b", ["title": name], "\(name)")
        #expect(bold.source == "<b title=\"&lt;a href=&#39;x&#39;&gt;&amp;&quot;\">&lt;a href=&#39;x&#39;&gt;&amp;&quot;</b>")
        #expect(("\(bold)!" as Markup).source == bold.source + "!")
    }

    @Test func `characters that XML cannot hold or that turn the writing direction are replaced`() {
        #expect(Markup(text: "a\u{0}\u{1B}\u{85}\u{202E}\u{2066}\u{FFFE}b\tc\n").source == "a\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}b\tc\n")
        #expect(Markup(text: "مستشفى 🏥 é").source == "مستشفى 🏥 é")
    }

    @Test func `elements without content end as HTML wants it`() {
        #expect(Markup.element("br").source == "<br/>" && Markup.element("td").source == "<td></td>")
    }
}

@Suite struct NumberTextTests {
    @Test(arguments: [
        (1.005, 2, false, "1.00"), (-0.004, 2, true, "0.00"), (-1.5, 1, true, "−1.5"), (1234567.891, 2, true, "+1,234,567.89"), (.nan, 2, false, "–"),
        (-.infinity, 0, true, "–"), (0.999, 2, false, "1.00"), (12, 0, false, "12"), (1e300, 2, false, "1e+300"), (0.05, 3, false, "0.050"),
    ])
    func `fixed decimals`(value: Double, decimals: Int, signed: Bool, text: String) {
        #expect(NumberText.fixed(value, decimals, signed: signed) == text)
    }

    @Test(arguments: [(-1234.5, 2, "-1234.50"), (1_234_567, 0, "1234567"), (-0.004, 2, "0.00"), (4.21, 2, "4.21"), (.nan, 2, "–"), (-1e300, 2, "-1e+300")])
    func `in a table a number is what a spreadsheet takes for one`(value: Double, decimals: Int, text: String) {
        #expect(NumberText.plain(value, decimals) == text)
    }

    @Test func `groups, ordinals and durations`() {
        #expect([0, 999, 1000, -20_000, 1_234_567].map(NumberText.grouped) == ["0", "999", "1,000", "−20,000", "1,234,567"])
        #expect([1, 2, 3, 4, 11, 12, 13, 21, 22, 111, 113, 121].map(NumberText.ordinal)
            == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "111th", "113th", "121st"])
        #expect([0.4, 3.14, 59.2, 312.4, 7380, -1, .nan, 59.7, 3599.8].map(NumberText.duration)
            == ["0.40 s", "3.1 s", "59 s", "5 min 12 s", "2 h 3 min", "–", "–", "1 min 0 s", "1 h 0 min"])
    }

    @Test func `decimals show three digits of the largest number`() {
        #expect([[42.1], [4.21], [0.0421], [0], [], [1e-20], [1e9]].map { NumberText.decimals(for: $0) } == [1, 2, 4, 2, 2, 8, 0])
    }
}

@Suite struct TableTests {
    @Test func `a cell names its column, for rows that stand by themselves, and roles stay what they are`() {
        var table = Table(caption: "What", columns: [.init("Name", isNumber: false), .init("Value, \"nats\""), .init("Word", isNumber: false)])
        table.append(["<a>", "-1.50", "sure"])
        let source = table.markup(label: "Values").source
        #expect(source.contains("<td role=\"cell\" class=\"number\" data-label=\"Value, &quot;nats&quot;\">-1.50</td>"))
        #expect(source.contains("<td role=\"cell\" class=\"words\" data-label=\"Word\">sure</td>"))
        #expect(source.contains("<th scope=\"row\" role=\"rowheader\" class=\"words\">&lt;a&gt;</th>"))
        for role in ["table", "rowgroup", "row", "columnheader"] { #expect(source.contains("role=\"\(role)\"")) }
    }
}
