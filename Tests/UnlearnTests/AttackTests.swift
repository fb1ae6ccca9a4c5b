import Files
import Foundation
import Tensors
import TestSupport
import Testing
import Training

@testable import Checkpoints
@testable import Unlearn

/// What somebody who has the folder, with or without its key, can work out of a row that was deleted. Each of these attacks
/// succeeded once; none may again.
@Suite("Attacks on what is kept after a deletion")
struct AttackTests {
    private static func exact(_ options: inout DeletionOptions) { options.replay.method = .exact }

    /// An unguarded stitch, whatever the decay.
    private static func stitched(_ options: inout DeletionOptions) {
        options.replay.onNoDecay = .stitch
        options.replay.decayGuard.epsilon = 1e9
    }

    // MARK: - Folder, no key: which rows were deleted

    /// All that the catalogue says in the open: every value that is not sealed, and how long the sealed ones are. Times are left out.
    private func openView(of folder: String) throws -> [String] {
        let database = try Database(folder + "/catalogue.sqlite", .read)
        var view: [String] = []
        for table in try database.rows("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", map: { $0.text(0) }) {
            let columns = try database.rows("SELECT name FROM pragma_table_info(?)", .text(table)) { $0.text(0) }
            let shown = columns.filter { $0 != "time" }.map { "CASE typeof(\"\($0)\") WHEN 'blob' THEN 'blob ' || length(\"\($0)\") ELSE \"\($0)\" END" }
            let hidden = ["root", "signature"]
            view += try database.rows("SELECT \(shown.joined(separator: " || '|' || ")) FROM \(table)") { row in
                hidden.contains { columns.contains($0) } ? table : "\(table): \(row.text(0))"
            }
        }
        view += try database.rows("SELECT entry FROM ledger ORDER BY position") { row in
            let entry = try JSONDecoder().decode(JSONValue.self, from: Data(row.blob(0)))
            guard case .object(var fields) = entry, case .array(let sealed)? = fields["sealed"] else { return "no entry" }
            (fields["time"], fields["sealed"]) = (nil, .integer(sealed.count))
            return try String(decoding: JSONEncoder.sorted.encode(fields), as: UTF8.self)
        }
        view += try FileSystem.names(in: folder + "/objects").map { "a file of \(try FileSystem.length(folder + "/objects/" + $0) ?? 0) bytes" }
        return view.sorted()
    }

    @Test("Twin: without the key, a folder looks the same whichever row of a block was deleted, and says of rows no more than how many there are")
    func openViewTellsNoRow() throws {
        let project = try SmallProject()
        try project.train()
        let ids = try project.ids(inBlock: 25)
        // Of different classes and slots, with ids as short and as long as there are.
        let victims = [try #require(ids.min { ($0.count, $0) < ($1.count, $1) }), try #require(ids.max { ($0.count, $0) < ($1.count, $1) })]
        var views: [[String]] = []
        for (number, victim) in victims.enumerated() {
            let copy = project.folder.file("copy-\(number)")
            try FileManager.default.copyItem(atPath: project.path, toPath: copy)
            do {
                var options = DeletionOptions()
                options.replay.method = .exact
                _ = try Project(opening: copy, .write, threads: 1).delete(SmallProject.ids([victim]), options: options, control: TrainingControl()) { _, _ in }
            }
            views.append(try openView(of: copy))
        }
        // Sizes of compressed checkpoints depend on the model, and so on everything; they are said to be open.
        func withoutSizes(_ view: [String]) -> [String] { view.map { $0.hasPrefix("a file") ? "a file" : $0 } }
        #expect(withoutSizes(views[0]) == withoutSizes(views[1]))
        #expect(views[0].contains("rows: blob 32|blob 57") && views[0].contains { $0.contains(#""event":"deletion-closed""#) })
        // The search finds what is there: a second request shows.
        #expect(try withoutSizes(views[0]) != withoutSizes(openView(of: project.path)))
    }

    @Test("Twin: a project made of the same rows with the same seed has its rows in other places")
    func twin() throws {
        func places() throws -> [RowPlace] {
            let folder = try TemporaryFolder()
            let (images, labels) = SampleFiles.images(600, side: 8, classes: 4, seed: 11)
            let source = IDXSource(images: try folder.write(images, to: "images"), labels: try folder.write(labels, to: "labels"))
            let plan = ProjectPlan(recipe: SmallProject.recipe, blockPolicy: .stratified, source: source, sourceName: "generated", threads: 1)
            _ = try ProjectBuilder(plan, in: folder.file("project")).build { _, _ in }
            let all = try SmallProject.ids((0..<600).flatMap { [String($0), "test:\($0)"] })
            let store = try Store(opening: folder.file("project"), .read)
            return try store.places(ofRows: all.entries.map(\.id)).compactMap { $0 }
        }
        let one = try places(), other = Dictionary(uniqueKeysWithValues: try places().map { ($0.id, $0) })
        let same = one.count { row in other[row.id].map { $0.block == row.block && $0.slot == row.slot } ?? false }
        // One in 600 by chance; thirty of them have a probability below 10⁻³⁰.
        #expect(one.count == 600 && same < 30)
    }

    // MARK: - Folder and key: the row's numbers

    /// A table of random numbers, and its project.
    private struct Table {
        let folder: TemporaryFolder
        let columns: [[Double]]
        let path: String

        static let rows = 300

        init(seed: UInt64) throws {
            var random = SeededGenerator(seed)
            columns = (0..<4).map { column in
                (0..<Self.rows).map { _ in column == 3 ? Double(Int.random(in: 18...99, using: &random)) : Double.random(in: -9...9, using: &random) * 10 }
            }
            folder = try TemporaryFolder()
            var text = "who,a,b,c,age,label\n"
            for row in 0..<Self.rows { text += "u\(row)," + columns.map { "\($0[row])" }.joined(separator: ",") + ",\(row % 3)\n" }
            var recipe = SmallProject.recipe
            recipe.plan.blocks = 15
            let source = TableSource(try folder.write(text, to: "table.csv"), TableOptions(labelColumn: "label", idColumn: "who"))
            var plan = ProjectPlan(recipe: recipe, blockPolicy: .stratified, source: source, sourceName: "table", threads: 1)
            plan.assignmentSeed = seed
            path = folder.file("project")
            _ = try ProjectBuilder(plan, in: path).build { _, _ in }
        }

        /// n·mean less the sum of the rows that are left, for each column: the deleted row, if the mean were exact.
        func guesses() throws -> [Double] {
            let project = try Project(opening: path, .read, threads: 1)
            let statistics = try #require(project.settings.table).columns.map { column -> (mean: Double, deviation: Double) in
                guard case .number(let scale) = column.kind else { return (0, 1) }
                return (scale.mean, scale.deviation)
            }
            var sums = [Double](repeating: 0, count: 4)
            for part in Part.allCases {
                for block in try project.store.rowBlocks(part) {
                    let rows = try project.rows(block)
                    for slot in rows.labels.indices where rows.labels[slot] != BlockRows.emptySlot {
                        for column in 0..<4 {
                            sums[column] += Double(rows.features[slot * 4 + column]) * statistics[column].deviation + statistics[column].mean
                        }
                    }
                }
            }
            return (0..<4).map { Double(Self.rows) * statistics[$0].mean - sums[$0] }
        }
    }

    @Test("Subtraction: column means and the rows that are left give no deleted row away")
    func subtraction() throws {
        var hits = 0, cases = 0
        for seed in 1...10 as ClosedRange<UInt64> {
            let table = try Table(seed: seed)
            do {
                var options = DeletionOptions()
                Self.exact(&options)
                let project = try Project(opening: table.path, .write, threads: 1)
                _ = try project.delete(SmallProject.ids(["u17"]), options: options, control: TrainingControl()) { _, _ in }
            }
            for (column, guess) in try table.guesses().enumerated() {
                let values = table.columns[column], range = values.max()! - values.min()!
                cases += 1
                if abs(guess - values[17]) < 0.05 * range { hits += 1 }
            }
        }
        // The guess is off by up to twice the column's range either way: one in forty is that near by chance.
        #expect(cases == 40 && hits <= 5, "\(hits) of \(cases) within a twentieth of the range")
    }

    @Test("Statistics that are given are used as they are, and rows leave no trace in them")
    func givenStatistics() throws {
        let folder = try TemporaryFolder()
        let statistics = try ColumnStatistics.read(try folder.write("column,mean,deviation\na,1.5,2.25\n", to: "statistics.csv"))
        let table = "who,a,b,label\n" + (0..<40).map { "u\($0),\($0),\($0 * 7 % 40),\($0 % 2)\n" }.joined()
        func options(_ statistics: [String: ColumnStatistics]) -> TableOptions {
            var options = TableOptions(labelColumn: "label", idColumn: "who")
            options.statistics = statistics
            return options
        }
        let source = TableSource(try folder.write(table, to: "t.csv"), options(statistics))
        _ = try source.survey()
        #expect(source.encoding?.columns.first == .init(name: "a", kind: .number(.init(mean: 1.5, deviation: 2.25))))
        let unknown = TableSource(folder.file("t.csv"), options(["z": statistics["a"]!]))
        #expect { _ = try unknown.survey() } throws: { "\($0)".contains("name a column 'z'") }
        for bad in ["column,mean\na,1\n", "column,mean,deviation\na,1,0\n", "column,mean,deviation\na,x,1\n", "column,mean,deviation\na,1,1\na,1,1\n", ""] {
            #expect(throws: Failure.self) { try ColumnStatistics.read(try folder.write(bad, to: "bad.csv")) }
        }
    }

    // MARK: - Folder and key: the row's class

    @Test("Held-out test rows are drawn whatever their classes, so that none has a number of them that tells of a missing row")
    func heldOut() throws {
        var counts: Set<[Int]> = []
        for seed in 0..<8 as Range<UInt64> {
            let folder = try TemporaryFolder()
            let (images, labels) = SampleFiles.images(300, side: 8, classes: 3, seed: 11)
            let source = IDXSource(images: try folder.write(images, to: "images"), labels: try folder.write(labels, to: "labels"))
            var plan = ProjectPlan(recipe: SmallProject.recipe, blockPolicy: .stratified, source: source, sourceName: "generated", threads: 1)
            plan.assignmentSeed = seed
            _ = try ProjectBuilder(plan, in: folder.file("project")).build { _, _ in }
            let project = try Project(opening: folder.file("project"), .read, threads: 1)
            let held = try project.store.rowBlocks(.test).flatMap { try project.rows($0).labels }
            #expect(held.count == 30)
            counts.insert((0..<3).map { label in held.count { $0 == Int32(label) } })
        }
        #expect(counts.count > 2)
    }

    /// The labels of all slots by block, as whoever has the key reads them.
    private func labels(_ project: Project) throws -> [[Int32]] { try project.store.rowBlocks(.train).map { try project.storedRows($0).labels } }

    @Test("Neighbours: neither the slots beside a deleted row's nor the numbers of its block's classes tell its class")
    func neighbours() throws {
        let project = try SmallProject()
        let opened = try project.open(.read), before = try labels(opened)
        var hits = (neighbours: 0, counts: 0), cases = 0
        for block in before {
            for slot in stride(from: 1, to: block.count - 1, by: 3) {
                cases += 1
                let truth = block[slot]
                // Both neighbours of one class bracket it; else either may be right.
                if block[slot - 1] == truth, block[slot + 1] == truth || slot % 2 == 0 { hits.neighbours += 1 }
                var counts = [Int](repeating: 0, count: 4)
                for (place, label) in block.enumerated() where place != slot { counts[Int(label)] += 1 }
                // The class that the block has least of is the one that it lacks.
                let guess = counts.indices.min { counts[$0] == counts[$1] ? $0 < $1 : counts[$0] < counts[$1] }!
                if guess == Int(truth) { hits.counts += 1 }
            }
        }
        // A quarter by chance; all of them when slots were laid out by class and classes dealt evenly.
        #expect(cases > 150)
        #expect(Double(hits.neighbours) < 0.35 * Double(cases), "\(hits.neighbours) of \(cases) by neighbours")
        #expect(Double(hits.counts) < 0.4 * Double(cases), "\(hits.counts) of \(cases) by counts")
    }

    // MARK: - Folder and key: whether a guess is right

    /// Everything that whoever has the key can read, without what is random or a time.
    private func readableView(_ project: Project) throws -> [String] {
        let store = project.store
        func masked(_ value: JSONValue) -> JSONValue {
            switch value {
            case .object(let fields):
                // Names of objects and digests of ids are under keys of this project alone.
                .object(fields.filter { !["time", "seconds", "root", "rows", "public_key", "salt"].contains($0.key) }.mapValues(masked))
            case .array(let values): .array(values.map(masked))
            default: value
            }
        }
        func text(_ value: JSONValue) throws -> String { String(decoding: try JSONEncoder.sorted.encode(masked(value)), as: UTF8.self) }
        var view = try ["project", "groups"].map { "\($0): \(try store.setting($0) ?? "")" }
        for object in try store.objects() {
            let content = try store.contents(of: object)
            view.append("\(object.kind.name) \(object.block): \(content.withUnsafeBytes { Digest(of: $0) })")
        }
        for request in try store.requests() {
            let report = request.report.isEmpty ? .null : try JSONDecoder().decode(JSONValue.self, from: Data(request.report.utf8))
            view.append("request \(request.number) \(request.state): \(try text(report))")
            view.append("destroyed: \(try store.destroyedObjects(by: request.number).map { "\($0.kind) \($0.block)" })")
        }
        for entry in try store.ledger() {
            // Digests of ids and commitments to names are under keys of this project alone, too.
            let disclosed = entry.entry.disclosures.map(\.disclosure).filter { !["rows", "names"].contains($0.name) }
            view.append("\(entry.entry.event) \(entry.entry.sealed.count), \(entry.entry.rows?.count ?? 0), \(entry.entry.names?.count ?? 0): \(try disclosed.map { "\($0.name) \(try text($0.value))" })")
        }
        return view
    }

    /// The small project's rows, one of them with another content.
    private func project(withRow row: Int, filledWith byte: UInt8?, label: UInt8) throws -> (folder: TemporaryFolder, path: String) {
        let folder = try TemporaryFolder()
        var (images, labels) = SampleFiles.images(600, side: 12, classes: 4, seed: 11)
        let (testImages, testLabels) = SampleFiles.images(200, side: 12, classes: 4, seed: 12)
        if let byte {
            for index in 0..<144 { images[16 + row * 144 + index] = byte &+ UInt8(index % 7) }
            labels[8 + row] = label
        }
        let source = IDXSource(images: try folder.write(images, to: "images"), labels: try folder.write(labels, to: "labels"))
        let test = IDXSource(images: try folder.write(testImages, to: "t-images"), labels: try folder.write(testLabels, to: "t-labels"))
        var plan = ProjectPlan(recipe: SmallProject.recipe, blockPolicy: .order, source: source, sourceName: "generated", threads: 1)
        plan.testSource = { _ in test }
        plan.assignmentSeed = 7
        _ = try ProjectBuilder(plan, in: folder.file("project")).build { _, _ in }
        return (folder, folder.file("project"))
    }

    private func open(_ path: String, _ access: Store.Access = .write) throws -> Project {
        let project = try Project(opening: path, access, threads: 1)
        project.keyframeInterval = 4
        return project
    }

    private func train(_ path: String) throws -> TrainingReport {
        try open(path).train(allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
    }

    private func delete(_ id: String, _ path: String, _ change: (inout DeletionOptions) -> Void) throws -> DeletionReport {
        var options = DeletionOptions()
        change(&options)
        return try open(path).delete(SmallProject.ids([id]), options: options, control: TrainingControl()) { _, _ in }.report
    }

    @Test("Oracle: after an exact deletion, all that the key opens is the same whatever the deleted row held")
    func noninterference() throws {
        var views: [[String]] = [], digests: Set<String> = []
        for (byte, label) in [(nil, 0), (3, 1), (200, 3)] as [(UInt8?, UInt8)] {
            let (folder, path) = try project(withRow: 250, filledWith: byte, label: label)
            try withExtendedLifetime(folder) {
                digests.insert(try train(path).stateDigest)
                // By way of a stitch elsewhere, whose figures knew the row, too.
                _ = try delete("90", path, Self.stitched)
                _ = try delete("250", path, Self.exact)
                let reader = try open(path, .read)
                let audit = try reader.audit(request: 2, before: nil, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
                #expect(audit.verdict == .exact && audit.l1NothingToExact == nil)
                try reader.record(audit)
                views.append(try readableView(try open(path, .read)))
            }
        }
        #expect(digests.count == 3, "the row makes a difference to the model")
        for (one, other) in zip(views[0], views[1]) { #expect(one == other) }
        #expect(views[0] == views[1] && views[0] == views[2])
    }

    @Test("Oracle: of many candidates none is confirmed, the right one neither")
    func oracle() throws {
        let candidates = (0..<16).map { UInt8($0 * 13) }
        let truth = candidates[5]
        let (folder, path) = try project(withRow: 250, filledWith: truth, label: 1)
        defer { withExtendedLifetime(folder) {} }
        _ = try train(path)
        let exported = try open(path, .read).model()
        func kept() throws -> String { try (readableView(try open(path, .read)) + (open(path, .read).store.ledger()).map { String(decoding: $0.bytes, as: UTF8.self) }).joined() }
        // The search finds what is there: before the deletion the ledger names the state.
        #expect(try kept().contains(Digest(of: exported).description))
        let report = try delete("250", path, Self.exact)
        let text = try kept()
        var hits: [UInt8] = []
        for candidate in candidates {
            let (twinFolder, twin) = try project(withRow: 250, filledWith: candidate, label: 1)
            try withExtendedLifetime(twinFolder) {
                let digest = try train(twin).stateDigest
                let guess = try delete("250", twin, Self.exact)
                #expect(guess.stateDigest == report.stateDigest)
                if text.contains(digest) || guess.residual.contains(where: { text.contains("\($0)") }) { hits.append(candidate) }
            }
        }
        #expect(hits == [])
    }

    @Test("What was measured for a stitch stays while the stitch lies in the chain, and goes with the exact replay that takes it away")
    func figuresOfStitches() throws {
        let project = try SmallProject()
        try project.train()
        let report = try project.delete([try project.ids(inBlock: 5)[0]], Self.stitched)
        func published(_ number: Int) throws -> LedgerEntry {
            try #require(try project.open(.read).store.ledger().first { $0.entry.event == .deletionPublished && $0.entry.request == "R\(number)" }?.entry)
        }
        #expect(try published(1)["measured"]?["residual"] == .array(report.residual.map(JSONValue.number)))
        #expect(try published(1)["state_digest"]?.text == report.stateDigest)
        try project.delete(["test:9"])
        // The state is that of another time now; the stitch is still there.
        #expect(try published(1)["measured"] != nil && published(1)["state_digest"] == nil)
        // Whether a test row that is gone was classified rightly is in no figure of before.
        let earlier = try DeletionReport(json: #require(try project.open(.read).store.request(1)).report)
        #expect(report.testAccuracy != nil && earlier.testAccuracy == nil && earlier.testAccuracyBefore == nil && earlier.agreementBefore == nil)
        #expect(earlier.residual == report.residual)
        try project.delete([try project.ids(inBlock: 20)[0]], Self.exact)
        #expect(try published(1)["measured"] == nil && published(1)["state_digest"] == nil)
        #expect(try published(1).disclosures.map(\.lifetime) == [.lasting, .lasting] && published(1).sealed.count == 8)
        let store = try project.open(.read).store
        let claims = try ErasureCertificate.verify(ErasureCertificate.issue(1, of: store), path: "F", key: store.publicKey)
        #expect(claims.method == "stitch" && claims.stateDigest == nil)
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    // MARK: - Comparing with a twin

    @Test("A twin takes places and encoding over, also of rows that were deleted since, and trains to the same bits")
    func like() throws {
        let folder = try TemporaryFolder()
        let table = "who,a,city,label\n" + (0..<300).map { "u\($0),\($0 * 37 % 101),\($0 == 17 ? "Oslo" : "c\($0 % 5)"),\($0 % 3)\n" }.joined()
        let csv = try folder.write(table, to: "t.csv")
        func build(_ name: String, _ change: (inout ProjectPlan) -> Void) throws {
            var recipe = SmallProject.recipe
            recipe.plan.blocks = 12
            var plan = ProjectPlan(
                recipe: recipe, blockPolicy: .stratified, source: TableSource(csv, TableOptions(labelColumn: "label", idColumn: "who")), sourceName: "t", threads: 1)
            change(&plan)
            _ = try ProjectBuilder(plan, in: folder.file(name)).build { _, _ in }
        }
        try build("original") { _ in }
        _ = try train(folder.file("original"))
        let report = try delete("u17", folder.file("original"), Self.exact)
        let twin = try TwinPlaces(of: folder.file("original"))
        try build("twin") {
            $0.twin = twin
            $0.exclude = try? SmallProject.ids(["u17"])
            $0.source = TableSource(csv, TableOptions(labelColumn: "label", idColumn: "who"), encoding: twin.settings.table, classNames: twin.settings.classNames)
        }
        #expect(try train(folder.file("twin")).stateDigest == report.stateDigest)
        // Also of a source that the row was taken out of.
        try folder.write(table.split(separator: "\n").filter { !$0.hasPrefix("u17,") }.joined(separator: "\n") + "\n", to: "t.csv")
        try build("cleaned") {
            $0.twin = twin
            $0.source = TableSource(csv, TableOptions(labelColumn: "label", idColumn: "who"), encoding: twin.settings.table, classNames: twin.settings.classNames)
        }
        #expect(try train(folder.file("cleaned")).stateDigest == report.stateDigest)
        try folder.write(table + "stranger,1,c1,2\n", to: "t.csv")
        #expect {
            try build("stranger") {
                $0.twin = twin
                $0.source = TableSource(csv, TableOptions(labelColumn: "label", idColumn: "who"), encoding: twin.settings.table, classNames: twin.settings.classNames)
            }
        } throws: { ($0 as? Failure)?.kind == .input && "\($0)".contains("has no row 'stranger'") }
    }
}

extension JSONEncoder {
    fileprivate static var sorted: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
