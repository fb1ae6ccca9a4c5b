import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Projects with weighted classes", .timeLimit(.minutes(60)))
struct ClassWeightsTests {
    private let shell: Shell

    /// A table of which a twelfth of the rows have the rare label, among others that look nearly like them.
    init() throws {
        shell = try Shell()
        var random = SeededGenerator(3)
        let rows = (0..<600).map { row in "u\(row),\(Double.random(in: -1...1, using: &random) + (row % 12 == 0 ? 0.6 : 0)),\(row % 12 == 0 ? "left" : "stayed")\n" }
        try shell.folder.write("id,x,y\n" + rows.joined(), to: "rows.csv")
    }

    private static let table = "--data csv:rows.csv --id-column id --label-column y --blocks 6 --epochs 3 --batch-size 20 --quiet"

    private func done(_ script: String) throws {
        let result = try shell.run("D='\(Self.table)'; \(script)")
        #expect(result.status == 0, "\(result.errors)")
    }

    private func digest(_ project: String) throws -> String {
        try #require(try shell.run("$U -C \(project) status --json").json()["state_digest"] as? String)
    }

    @Test("Weights are printed, kept, and make the rare class count; scores know nothing of them")
    func weights() throws {
        let made = try shell.run("$U -C weighted init \(Self.table) --model mlp --hidden 8 --assignment-seed 1 --class-weights balanced | tee said; exit ${PIPESTATUS[0]}")
        #expect(made.status == 0 && made.output.contains("\nclass weights: left 6, stayed 0.5\n"), "\(made.output)\(made.errors)")
        try done("$U -C plain init $D --model mlp --hidden 8 --assignment-seed 1 && for p in weighted plain; do $U -C $p train --quiet; grep ,left$ rows.csv | cut -d, -f1 > rare; done")
        #expect(try digest("weighted") != digest("plain"))
        var rare: [Double] = []
        for project in ["weighted", "plain"] {
            rare.append(try #require(try shell.run("$U -C \(project) evaluate --on rare --json").json()["loss"] as? Double))
            #expect(try shell.run("$U -C \(project) check --read-data").status == 0)
        }
        // Of a class that is one row in twelve, a model that counts all rows alike says one in twelve: a loss of 2.5.
        #expect(rare[0] < 0.8 && rare[1] > 1.5, "\(rare)")
        let recipe = try shell.run("$U -C dry init \(Self.table) --model logistic --assignment-seed 1 --class-weights balanced --dry-run --json").json()["recipe"] as? [String: Any]
        #expect(recipe?["class_weights"] as? [Double] == [6, 0.5])
    }

    @Test("An exact deletion gives the bits of training without the rows, by the same weights", arguments: ["", "--branches 2"])
    func exact(branches: String) throws {
        // All but a few of the rare rows: counted anew, what is left would weigh otherwise.
        try done("""
            grep ,left$ rows.csv | cut -d, -f1 | head -30 > ids
            $U -C p init $D --model logistic --assignment-seed 1 --class-weights balanced \(branches)
            $U -C like init $D --model logistic --like p --exclude ids
            $U -C again init $D --model logistic --like p --exclude ids --class-weights balanced
            $U -C seed init $D --model logistic --assignment-seed 1 --class-weights balanced \(branches) --exclude ids
            for p in p like again seed; do $U -C $p train --quiet; done
            """)
        let before = try digest("p")
        try done("$U -C p delete --ids ids --method exact --ignore-unknown --yes --quiet; $U -C p check --read-data")
        let after = try digest("p")
        #expect(after != before)
        for twin in ["like", "again", "seed"] { #expect(try digest(twin) == after, "\(twin)") }
    }

    @Test("Other words, and weights that a twin does not have, are refused by name")
    func refused() throws {
        try done("$U -C p init $D --model logistic --assignment-seed 1")
        for (words, message) in [
            ("--assignment-seed 1 --class-weights even", "--class-weights"), ("--assignment-seed 1 --class-weights", "--class-weights needs a value: balanced"),
            ("--like p --class-weights balanced", "--class-weights does not go with --like: the project in p has no class weights; leave it out"),
        ] {
            let result = try shell.run("$U -C x init \(Self.table) --model logistic \(words)")
            #expect(result.status == 2 && result.errors.contains(message) && result.errors.filter { $0 == "\n" }.count == 1, "\(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: shell.folder.file("x")))
    }
}
