import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Rows that come later")
struct AppendTests {
    private let folder: TemporaryFolder
    private let first: String
    private let second: String
    private static let columns = ["--id-column", "id", "--label-column", "label", "--group-column", "who"]

    init() throws {
        folder = try TemporaryFolder()
        func lines(_ rows: Range<Int>) -> String {
            rows.map { "r\($0),\($0 * 7919 % 1009),\(["red", "green", "blue"][$0 % 3]),\($0 * 7919 % 1009 > 500 ? "yes" : "no"),p\($0 / 60)\n" }.joined()
        }
        first = try folder.write("id,x,colour,label,who\n" + lines(0..<240), to: "first.csv")
        second = try folder.write("id,x,colour,label,who\n" + lines(240..<360), to: "second.csv")
    }

    static let shapes = [
        ["--model", "logistic", "--blocks", "4"], ["--model", "mlp", "--hidden", "6", "--blocks", "6", "--blocks-by", "order"],
        ["--model", "logistic", "--branches", "4", "--blocks", "8"], ["--model", "mlp", "--hidden", "6", "--branches", "2", "--stem", "0.5", "--blocks", "8"],
        ["--model", "logistic", "--blocks-by", "group"],
    ]

    private func project(_ name: String, _ shape: [String]) throws -> Program {
        let program = Program(folder: folder.file(name))
        try program.json(["init", "--data", "csv:\(first)"] + Self.columns + shape)
        try program.json("train")
        return program
    }

    private func state(_ program: Program) throws -> String { try #require(try program.json("status")["state_digest"] as? String) }

    @Test("A dry run says what would be made of them, refuses what would be refused, and leaves nothing; nor does what is refused", arguments: [shapes[0], shapes[2]])
    func dryRun(_ shape: [String]) throws {
        let program = try project("project", shape), before = try program.json("status"), objects = folder.file("project/objects")
        func files() throws -> Set<String> { Set(try FileManager.default.subpathsOfDirectory(atPath: objects)) }
        let kept = try files()
        func expectUntouched() throws {
            #expect(try files() == kept)
            #expect(try program.json("status") as NSDictionary == before as NSDictionary)
            let check = try program.run("check")
            #expect(check.status == 0 && !check.output.contains("unfinished"), "\(check.output)")
        }
        let text = try String(contentsOfFile: second, encoding: .utf8), unseen = try folder.write(text.replacing(",red,", with: ",purple,"), to: "unseen.csv")
        let told = try program.json("append", "--data", "csv:\(unseen)", "--dry-run")
        #expect(told["dry_run"] as? Bool == true && told["rows"] as? Int == 120 && (told["remarks"] as? [String])?.isEmpty == false, "\(told)")
        try expectUntouched()
        // An id of these rows and one of the first: each is met behind rows that have their places already.
        for id in ["r250", "r7"] {
            let twice = try folder.write(text.replacing("\nr300,", with: "\n\(id),"), to: "\(id).csv")
            for dry in [["--dry-run"], []] {
                let refused = try program.run(["append", "--data", "csv:\(twice)"] + dry)
                #expect(refused.status == 2 && refused.errors.contains("ids must be unique"), "\(refused.errors)")
                try expectUntouched()
            }
        }
        // It says what then happens.
        let done = try program.json("append", "--data", "csv:\(unseen)")
        for key in ["rows", "blocks", "blocks_total", "branches"] { #expect(done[key] as? Int == told[key] as? Int) }
        #expect(done["dry_run"] as? Bool == false && done["remarks"] as? [String] == told["remarks"] as? [String])
    }

    @Test("They leave the model as it is until it is trained, and an exact deletion is what both files without the rows would have given", arguments: shapes)
    func exact(_ shape: [String]) throws {
        let program = try project("project", shape), before = try state(program)
        let report = try program.json("append", "--data", "csv:\(second)")
        #expect(report["rows"] as? Int == 120 && (report["blocks"] as? Int ?? 0) >= 1)
        #expect(try state(program) == before)
        let trained = try program.json("train")
        #expect(trained["blocks"] as? Int == report["blocks_total"] as? Int)
        let after = try state(program)
        #expect(after != before)

        func twin(_ name: String, _ more: String...) throws -> String {
            let twin = Program(folder: folder.file(name)), model = Array(shape.prefix(shape.contains("--hidden") ? 4 : 2))
            try twin.json(["init", "--data", "csv:\(first),\(second)", "--like", folder.file("project")] + Self.columns + model + more)
            try twin.json("train")
            return try state(twin)
        }
        #expect(try twin("whole") == after)
        let ids = try folder.write("r250\nr7\nr300\n", to: "ids")
        try program.json("delete", "--ids", ids, "--method", "exact")
        #expect(try state(program) == twin("without", "--exclude", ids))
        // Evidence spans both imports.
        #expect(try program.json("audit")["verdict"] as? String == "exact")
        try program.json("certificate", "R1", "--out", folder.file("R1.json"))
        #expect(try Program().run("verify-certificate", folder.file("R1.json"), "--public-key", folder.file("project/signing-key.pem")).status == 0)
        #expect(try program.run("check", "--read-data", "--certificate", folder.file("R1.json")).status == 0)
        let places = try #require(try program.json("where", "--group", "p5")["rows"] as? [[String: Any]])
        #expect(places.count == 59)
        #expect(try program.run("log").output.contains("120 rows in"))
    }

    @Test("A row that is there already, a strange label, another kind of data and a lineage that does not fit change nothing")
    func refused() throws {
        let program = try project("project", Self.shapes[2]), folder = folder
        let known = try folder.write("id,x,colour,label,who\nnew,1,red,yes,p9\nr3,1,red,yes,p9\n", to: "known.csv")
        let strange = try folder.write("id,x,colour,label,who\nnew,1,red,maybe,p9\nnewer,1,red,no,p9\n", to: "strange.csv")
        let lacking = try folder.write("id,x,label,who\nnew,1,yes,p9\nnewer,1,no,p9\n", to: "lacking.csv")
        let one = try folder.write("id,x,colour,label,who\nnew,1,red,yes,p9\n", to: "one.csv")
        let before = try contents(of: folder.file("project"))
        for (words, message) in [
            (["--data", "csv:\(known)"], "'r3' is a row's already"), (["--data", "csv:\(strange)"], "line 2: label 'maybe'"), (["--data", "csv:\(lacking)"], "no column 'colour'"),
            (["--data", "npz:\(one)"], "a table"), (["--data", "csv:\(second)", "--blocks", "3"], "branches of 2 blocks"), (["--data", "csv:\(one)"], "collect more"),
        ] {
            let result = try program.run(["append"] + words)
            #expect(result.status == 2 && result.errors.contains(message), "\(words): \(result.errors)")
        }
        #expect(try contents(of: folder.file("project")).keys.sorted() == before.keys.sorted())
        #expect(try program.json("status")["rows_live"] as? Int == 216)
        #expect(try program.run("check", "--read-data").status == 0)
    }

    @Test("A category that training never saw is said; a deleted row's id does not come again")
    func remarks() throws {
        let program = try project("project", Self.shapes[0])
        let mauve = try folder.write("id,x,colour,label,who\nn1,1,mauve,yes,p9\nn2,1,red,no,p9\n", to: "mauve.csv")
        let remarks = try #require(try program.json("append", "--data", "csv:\(mauve)")["remarks"] as? [String])
        #expect(remarks.contains { $0.contains("1 cell of column 'colour'") })
        try program.json("train")
        try program.json("delete", "--ids", "-", "--method", "exact", input: "n1\n")
        let again = try program.run("append", "--data", "csv:\(mauve)")
        #expect(again.status == 2 && again.errors.contains("'n1' is a row's already"), "\(again.errors)")
    }

    @Test("An import that is killed has happened or has not", arguments: [0, 2])
    func killed(_ shape: Int) throws {
        _ = try project("project", Self.shapes[shape])
        func append(_ name: String, killedAt number: Int?) throws -> (program: Program, status: Int32, changes: Int) {
            let copy = folder.file(name), shim = KillShim(folder: copy, page: folder.file(name + "-page"))
            try FileManager.default.copyItem(atPath: folder.file("project"), toPath: copy)
            let result = try Program(folder: copy, environment: shim.environment(at: number)).run("append", "--data", "csv:\(second)", "--assignment-seed", "5")
            return (Program(folder: copy), result.status, try shim.changes())
        }
        let whole = try append("whole", killedAt: nil)
        try whole.program.json("train")
        let expected = try state(whole.program)
        #expect(whole.status == 0 && whole.changes > 10)
        var happened = Set<Bool>()
        for number in Set([1, 2, whole.changes / 4, whole.changes / 2, whole.changes * 3 / 4, whole.changes - 1, whole.changes]).sorted() {
            let (program, status, _) = try append("killed\(number)", killedAt: number)
            #expect(status == SIGKILL, "not killed before change \(number) of \(whole.changes)")
            let rows = try #require(try program.json("status")["rows_live"] as? Int)
            #expect([216, 336].contains(rows), "\(rows) rows, killed before change \(number) of \(whole.changes)")
            happened.insert(rows == 336)
            if rows == 216 { try program.json("append", "--data", "csv:\(second)", "--assignment-seed", "5") }
            try program.json("train")
            #expect(try state(program) == expected)
            #expect(try program.run("check", "--read-data").status == 0)
        }
        #expect(happened.contains(false))
    }
}
