import Charts
import Files
import Foundation
import TestSupport
import Testing

@testable import Valuation

@Suite struct ReportPageTests {
    static let allSections = ["values", "trust", "convergence", "removal", "fidelity", "cost", "deletion", "limits", "provenance"]

    /// Reports of every shape that valuation can give.
    static let shapes: [(name: String, report: ValueReport)] = [
        ("ten", SampleReport.ten()), ("two", SampleReport.report(SampleReport.players([("a", 1, 0.3, 0.01), ("b", 2, 0.1, 0.02)]))),
        ("one", SampleReport.exact([0.4])), ("none", SampleReport.exact([])), ("many", SampleReport.many(200)), ("forty-one", SampleReport.many(41)),
        ("zero", SampleReport.exact([0, 0, 0])), ("negative", SampleReport.exact([-0.1, -0.2])), ("tiny", SampleReport.exact([1e-12, -3e-13])),
        ("huge", SampleReport.exact([1e17, -1e16])), ("loss", loss()), ("broken", broken()), ("few-orders", SampleReport.fewOrders()),
    ]

    static func loss() -> ValueReport {
        var report = SampleReport.ten()
        (report.metric, report.vAll, report.vEmpty, report.efficiencyGap, report.utility) = ("loss", -0.41, -2.303, 0.02, "additive")
        return report
    }

    /// Numbers that no valuation should give, everywhere.
    static func broken() -> ValueReport {
        var report = SampleReport.ten()
        for index in report.players.indices {
            report.players[index].value = [.nan, .infinity, -.infinity, 0.1][index % 4]
            (report.players[index].low, report.players[index].high) = (-.infinity, .nan)
            (report.players[index].share, report.players[index].leaveOneOut, report.players[index].spreadOverOrders) = (.nan, .infinity, .nan)
        }
        for index in report.convergence.indices { report.convergence[index].width = .infinity }
        report.convergence[3].values[0] = .nan
        (report.removal[0].removed, report.removal[0].scores) = ([0, 1, 2, 3], [.nan, 0.5, -.infinity, 0.2])
        report.fidelity[0].meanError = .nan
        (report.vAll, report.seconds, report.efficiencyGap, report.confidence) = (.nan, .infinity, .nan, .nan)
        return report
    }

    @Test(arguments: shapes.indices)
    func `the page is well formed, holds a row per player, and nothing from elsewhere`(shape: Int) throws {
        let report = Self.shapes[shape].report
        let html = ReportPage(report).html()
        let page = try ParsedPage(html)
        #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"en-GB\">"))
        #expect(page.elements("h1").count == 1 && page.attributes("meta", "charset") == ["utf-8"])
        #expect(page.rows(of: "values") == report.players.count && page.rows(of: "deletion") == report.players.count)
        let ids = page.attributes(nil, "id")
        #expect(Set(ids).count == ids.count, "ids are one of a kind")
        #expect(page.attributes("a", "href").allSatisfy { ids.contains(String($0.dropFirst())) }, "links lead to sections")
        #expect(page.elements("script").isEmpty && page.elements("img").isEmpty && page.attributes("link", "href") == ["data:,"])
        for word in ["http:", "https:", "url(", "@import", "src="] { #expect(!html.contains(word)) }
        for svg in page.elements("svg") { #expect(svg["role"] == "img" && svg["aria-label"]?.isEmpty == false) }
    }

    @Test(arguments: shapes.indices)
    func `no number on the page is none`(shape: Int) throws {
        let page = try ParsedPage(ReportPage(Self.shapes[shape].report).html())
        for word in ["nan", "inf", "-inf", "NaN", "∞"] { #expect(!page.words.contains(word), "\(word) in \(Self.shapes[shape].name)") }
        let drawn = ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height"].flatMap { page.attributes(nil, $0) }
        #expect(drawn.allSatisfy { Double($0)?.isFinite ?? false || $0.contains("device-width") })
        let lists = page.attributes(nil, "points").flatMap { $0.split { $0 == " " || $0 == "," } }
        #expect(lists.allSatisfy { Double($0)?.isFinite ?? false })
    }

    @Test func `every section is there, in order, and those without data are left out`() throws {
        #expect(try ParsedPage(ReportPage(SampleReport.ten()).html()).attributes("section", "id") == Self.allSections)
        let bare = try ParsedPage(ReportPage(SampleReport.exact([0.1, 0.2])).html())
        #expect(bare.attributes("section", "id") == Self.allSections.filter { !["convergence", "removal", "fidelity"].contains($0) })
        #expect(!bare.text.contains("interval 0"))
    }

    @Test func `the answer names the best and the harmful, and says how sure it is`() throws {
        let answer = try ParsedPage(ReportPage(SampleReport.ten()).html()).text
        #expect(answer.contains("Albion Clinics has the highest value: 10.21 percentage points of accuracy (95 % interval +9.79 to +10.63), but Brook & Sons"))
        #expect(answer.contains("Mislabelled Ltd lowers accuracy by 1.32 points."))
        #expect(try ParsedPage(ReportPage(SampleReport.exact([0.1, 0.3])).html()).text.contains("p2 contributed most: 30.00 percentage points of accuracy."))
        #expect(try ParsedPage(ReportPage(SampleReport.exact([0, 0])).html()).text.contains("No provider’s data changes the score."))
        #expect(try ParsedPage(ReportPage(SampleReport.exact([-0.1, -0.3])).html()).text.contains("p2 and p1 lower accuracy, p2 the most: −30.00 points."))
        let unsure = SampleReport.report(SampleReport.players([("a", 1, 0.3, 0.01), ("b", 1, -0.01, 0.02)]))
        #expect(try ParsedPage(ReportPage(unsure).html()).text.contains("b may lower accuracy, too little to tell from no effect."))
        #expect(try ParsedPage(ReportPage(Self.loss()).html()).text.contains("Mislabelled Ltd makes the predictions worse by"))
    }

    @Test func `ranks are told in words`() {
        let words = ReportWords(SampleReport.ten())
        var player = words.report.players[0]
        (player.rankBest, player.rankWorst) = (2, 4)
        #expect(words.rank(player) == "2nd to 4th")
        (player.rankBest, player.rankWorst) = (1, 1)
        #expect(words.rank(player) == "clearly 1st")
        #expect(ReportWords(SampleReport.exact([0.1, 0.3])).rank(player) == "1st")
    }

    @Test func `a mean over too few block orders has no interval, and the page says so wherever one would stand`() throws {
        let report = SampleReport.fewOrders(), text = try ParsedPage(ReportPage(report).html()).text
        #expect(text.contains("3 block orders are too few for an interval: it takes 8, for either end would be anybody’s guess."))
        #expect(text.contains("too few orders to say") && !text.contains("95 % interval") && !text.contains("clearly"))
        #expect(text.contains("Albion Clinics has the highest value on average over 3 block orders: 10.21 percentage points of accuracy."))
        #expect(text.contains("Mislabelled Ltd lowers accuracy by 1.32 points on average over 3 block orders."))
        #expect(!text.contains("too little to tell from no effect") && !text.contains("may be worth as much"))
    }

    @Test func `tiles say whose score it is`() throws {
        let average = try ParsedPage(ReportPage(SampleReport.fewOrders()).html()).text
        #expect(average.contains("Score with all data: average over 3 block orders86.60 %") && average.contains("Score with all data: the project’s own block order91.00 %"))
        var report = SampleReport.exact([0.1, 0.2])
        #expect(try ParsedPage(ReportPage(report).html()).text.contains("Score with all data: the project’s own model40.00 %"))
        #expect(try !ParsedPage(ReportPage(report).html()).text.contains("block orders"))
        report.all = .replay
        #expect(try ParsedPage(ReportPage(report).html()).text.contains("Score with all data: exact replay, of which the project’s model is a stitch40.00 %"))
        for (none, words) in [
            (ValueReport.NoneModel.baseRate, "Score with none: naming the most frequent class10.00 %"), (.untrained, "Score with none: the network untrained10.00 %"),
            (.unownedRows, "Score with none: the model of the rows of no provider10.00 %"),
        ] {
            report.none = none
            #expect(try ParsedPage(ReportPage(report).html()).text.contains(words))
        }
        report.metric = "loss"
        report.none = .baseRate
        #expect(try ParsedPage(ReportPage(report).html()).text.contains("Score with none: predicting the class frequencies"))
    }

    @Test func `shares of negative values are 0 and the page says so`() throws {
        #expect(try ParsedPage(ReportPage(SampleReport.ten()).html()).text.contains("One negative value counts as 0"))
        let text = try ParsedPage(ReportPage(SampleReport.exact([-0.1, -0.3])).html()).text
        #expect(text.contains("No value is above zero, so there is nothing to share out: every share of payment is 0."))
        #expect(try ParsedPage(ReportPage(SampleReport.exact([0.1, 0.3])).html()).text.contains("No value here is negative"))
    }

    @Test(arguments: [
        (0.0, "They agree. The"), (0.001, "They agree within the intervals. The difference is +0.10"),
        (-0.013, "They differ. The difference is −1.30"), (.nan, "They differ. The difference is –"), (nil, "They need not agree"),
    ])
    func `efficiency is checked and printed`(gap: Double?, words: String) throws {
        var report = SampleReport.ten()
        report.efficiencyGap = gap
        let text = try ParsedPage(ReportPage(report).html()).text
        #expect(text.contains(words))
        #expect(text.contains("The values add up to +76.60 points. All data together adds +76.60 points: from 10.00 % with no data (naming the most frequent class) to 86.60 % with all"))
    }

    @Test(arguments: [
        "<script>alert(1)</script>", "\"onload=\"x", "' & <b>", "]]>", "a\u{0}b\u{1B}[31m", "\u{202E}desrever", "مستشفى", "\u{FFFF}", "  ", "a\nb",
    ])
    func `a name from outside stays text`(name: String) throws {
        var report = SampleReport.ten()
        report.players[0].player = name
        let html = ReportPage(report).html()
        let page = try ParsedPage(html)
        #expect(page.elements("script").isEmpty && page.elements("b").isEmpty)
        #expect(page.attributes(nil, "onload").isEmpty && !html.contains("\u{202E}") && !html.contains("\u{1B}"))
        #expect(page.rows(of: "values") == 10)
    }

    @Test func `numbers in tables are numbers to a spreadsheet, and every cell says its column`() throws {
        var report = SampleReport.ten()
        report.share(Pool(cents: 1_234_567_801))
        report.players[0].rows = 12_345
        report.groups = [.init(group: "a", players: 2000, rows: 40_000, value: -1.5, low: -2, high: -1)]
        let page = try ParsedPage(ReportPage(report).html()), cells = page.cells
        let numbers = cells.filter { $0.kind == "number" }
        #expect(numbers.count > 100)
        for cell in numbers {
            let digits = cell.text.hasSuffix("%") ? String(cell.text.dropLast()) : cell.text
            let isNumber = Double(digits) != nil && !cell.text.contains("+")
            #expect(isNumber || cell.text == "–", "\(cell.text)")
        }
        #expect(cells.allSatisfy { !$0.label.isEmpty })
        #expect(numbers.contains { $0.label == "Rows" && $0.text == "12345" })
        #expect(numbers.contains { $0.label == "Value, points" && $0.text == "-1.32" })
        let amounts = numbers.filter { $0.label == "Amount" }.compactMap { Double($0.text).flatMap(Pool.cents) }
        #expect(amounts.count == 10 && amounts.reduce(0, +) == 1_234_567_801)
        #expect(numbers.contains { $0.label == "Low" && $0.text == "-200.00" })
    }

    @Test func `where all together are no better than none the page says that nothing is paid`() throws {
        var report = SampleReport.exact([0.1, -0.3])
        report.share(Pool(cents: 100_050))
        let unpaid = try ParsedPage(ReportPage(report).html()).text
        #expect(unpaid.contains("To share out, nothing of which is paid") && unpaid.contains("together are no better than none, so nothing is paid"))
        report = SampleReport.exact([0.3, -0.1])
        report.share(Pool(cents: 100_050))
        let paid = try ParsedPage(ReportPage(report).html()).text
        #expect(paid.contains("Shared out") && !paid.contains("nothing is paid") && !paid.contains("nothing of which"))
    }

    @Test func `providers are measured by their own rows unless test rows came from elsewhere`() {
        var report = SampleReport.exact([0.1, 0.2])
        #expect(report.ownRows?.contains("'init --test' rows that you trust") == true)
        report.playerKind = "block"
        #expect(report.ownRows == nil)
        (report.playerKind, report.testSource) = ("group", "csv:trusted.csv")
        #expect(report.ownRows == nil)
    }

    @Test func `values that no interval tells apart from nothing are said to be of chance`() throws {
        var report = Self.loss()
        for index in report.players.indices { (report.players[index].low, report.players[index].high) = (-0.01, 0.02) }
        #expect(report.undecided?.contains("every interval holds 0") == true)
        #expect(ReportPage(report).html().contains("every interval holds 0"))
        report.players[0].low = 0.001
        #expect(report.undecided == nil)
        // Exact values of nothing are known to be nothing.
        for index in report.players.indices { (report.players[index].low, report.players[index].high) = (0, 0) }
        #expect(report.undecided == nil)
        for index in report.players.indices { (report.players[index].low, report.players[index].high) = (nil, nil) }
        #expect(report.undecided == nil)
    }

    @Test func `a report says when, of what, and where it is on record`() throws {
        var report = SampleReport.exact([0.1, 0.2])
        let bare = try ParsedPage(ReportPage(report).html()).text
        #expect(!bare.contains("statement.json") && !bare.contains("Project"))
        (report.date, report.project, report.source, report.ledgerEntry) = ("2026-01-02T03:04:05Z", "00ff", "csv:people.csv", 7)
        let text = try ParsedPage(ReportPage(report).html()).text
        for words in ["2026-01-02T03:04:05Z, of csv:people.csv in project 00ff", "Entry of the project’s ledger7", "verify-certificate statement.json", report.stateDigest] {
            #expect(text.contains(words), "\(words)")
        }
    }

    @Test func `what adds nothing to the baseline is not said to lift it`() throws {
        var report = SampleReport.exact([-0.1, 0.05])
        #expect(try ParsedPage(ReportPage(report).html()).text.contains("All together do no better than naming the most frequent class: 5.00 %, against 10.00 %."))
        report.metric = "loss"
        #expect(try ParsedPage(ReportPage(report).html()).text.contains("All together do no better than predicting the class frequencies:"))
    }

    @Test func `the same report gives the same bytes`() {
        #expect(ReportPage(SampleReport.ten()).html() == ReportPage(SampleReport.ten()).html())
    }

    @Test func `blocks and id sets are called so`() throws {
        var report = SampleReport.ten()
        report.playerKind = "block"
        let text = try ParsedPage(ReportPage(report).html()).text
        #expect(text.contains("What each block’s data is worth") && !text.contains("provider"))
    }
}
