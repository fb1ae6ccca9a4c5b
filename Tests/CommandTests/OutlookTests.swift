import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("What init says of deletions to come")
struct OutlookTests {
    @Test("init says in a sentence what an exact deletion will cost, in chains and with branches", arguments: [
        (["--model", "logistic", "--blocks", "1"], "deletion: all rows are in one block, and an exact deletion of one row trains it again (100 % of training); with --branches 8 it would be 12 %, at some cost in accuracy\n"),
        (["--model", "logistic", "--blocks", "4", "--epochs", "2"], "deletion: an exact deletion of one row retrains its block and all behind it, 2.5 of 4 blocks on average (62 % of training); with --branches 8 it would be 12 %"),
        (["--model", "logistic", "--branches", "4", "--blocks", "8"], "deletion: an exact deletion of one row retrains the rest of its branch alone, 1.5 of 8 blocks on average (19 % of training)\n"),
        (["--model", "mlp", "--hidden", "4", "--branches", "2", "--stem", "0.5", "--blocks", "4", "--epochs", "1"],
            "deletion: the stem holds 50 % of the rows; an exact deletion of one row of a branch retrains 1.0 of 4 blocks on average (25 % of training), of one of the stem the rest of the stem and all branches, 3.5 blocks (88 %)\n"),
    ])
    func outlook(_ options: [String], _ sentence: String) throws {
        let folder = try TemporaryFolder()
        let table = try folder.write("x,label\n" + (0..<400).map { "\($0 % 17),\($0 % 17 > 8 ? 1 : 0)\n" }.joined(), to: "table.csv")
        let words = ["init", "--data", "csv:\(table)", "--label-column", "label"] + options
        let said = try Program(folder: folder.file("a")).run(words + ["--dry-run"]).output
        #expect(said.contains(sentence), "\(said)")
        let json = try #require(try Program(folder: folder.file("b")).json(words)["deletion"] as? [String: Any]), any = try #require(json["any"] as? [String: Any])
        #expect(any["share_of_rows"] as? Double == 1 && (any["blocks"] as? Double ?? 0) >= 1 && (json["stem"] is [String: Any]) == sentence.contains("stem"), "\(json)")
    }

    @Test("Rows of providers keep theirs: no branches are proposed where blocks are by group, or where rows are few")
    func noProposal() throws {
        let providers = try TemporaryFolder(), groups = try providers.write("x,who,label\n" + (0..<400).map { "\($0 % 17),p\($0 % 3),\($0 % 2)\n" }.joined(), to: "table.csv")
        let owned = try Program(folder: providers.file("project")).run("init", "--data", "csv:\(groups)", "--label-column", "label", "--group-column", "who", "--model", "logistic", "--blocks-by", "group")
        #expect(owned.output.contains("2.0 of 3 blocks on average") && !owned.output.contains("--branches 8"), "\(owned.output)\(owned.errors)")
        let few = try TemporaryFolder(), table = try few.write("x,label\n" + (0..<60).map { "\($0 % 17),\($0 % 2)\n" }.joined(), to: "table.csv")
        let said = try Program(folder: few.file("project")).run("init", "--data", "csv:\(table)", "--label-column", "label", "--model", "logistic").output
        #expect(said.contains("trains it again (100 % of training)\n"), "\(said)")
    }
}
