import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Models that serve")
struct PredictTests {
    private let folder: TemporaryFolder
    private let program: Program

    init() throws {
        folder = try TemporaryFolder()
        program = Program(folder: folder.file("project"))
        let rows = (0..<240).map { row in
            "r\(row),\(row % 17),\(row % 5 == 0 ? "" : "\(row % 23)"),\(["red", "green", "\"blue, dark\""][row % 3]),2021-03-\(10 + row % 20),\(row % 17 > 8 ? "yes" : "no")\n"
        }
        let table = try folder.write("id,x,gap,colour,day,label\n" + rows.joined(), to: "table.csv")
        try program.json("init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--model", "mlp", "--hidden", "8", "--blocks", "4")
        try program.json("train")
    }

    /// The lines of a table of predictions.
    private func lines(_ path: String) throws -> [String] { try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init) }

    @Test("A project and the file that it exports say the same, row by row, in every way of asking")
    func sameAnswers() throws {
        let model = folder.file("model.safetensors"), table = folder.file("table.csv")
        try program.json("export", "--out", model)
        let served = try program.json("predict", "--data", "csv:\(table)", "--out", folder.file("a.csv"))
        #expect(served["rows"] as? Int == 240)
        let alone = try Program().json("predict", "--model", model, "--data", "csv:\(table)", "--out", folder.file("b.csv"), "--threads", "1")
        #expect(alone["state_digest"] as? String == served["state_digest"] as? String)
        let expected = try lines(folder.file("a.csv"))
        #expect(try lines(folder.file("b.csv")) == expected && expected[0] == "id,class,p_no,p_yes" && expected.count == 241)
        let printed = try Program().run("predict", "--model", model, "--data", "csv:-", input: try String(contentsOfFile: table, encoding: .utf8))
        #expect(printed.output.split(separator: "\n").map(String.init) == expected, "\(printed.errors)")
        // Every line names its row and the class of the larger probability.
        for (row, line) in expected.dropFirst().enumerated() {
            let fields = line.split(separator: ","), no = try #require(Double(fields[2])), yes = try #require(Double(fields[3]))
            #expect(fields[0] == "r\(row)" && abs(no + yes - 1) < 1e-5 && fields[1] == (yes > no ? "yes" : "no"))
        }
        // As `evaluate` counts them.
        let right = zip(expected.dropFirst(), 0...).count { line, row in line.contains(row % 17 > 8 ? ",yes," : ",no,") }
        let whole = try folder.write((0..<240).map { "r\($0)" }.joined(separator: "\n"), to: "ids")
        #expect(try program.json("evaluate", "--on", whole)["accuracy"] as? Double == Double(right) / 240)
    }

    @Test("Rows without label, id and order of columns are predicted; what training never saw is said")
    func otherRows() throws {
        let table = try folder.write("day;colour;x;gap\n2021-03-12;red;3;4\n;mauve;;\n", to: "new.csv")
        let result = try program.json("predict", "--data", "csv:\(table)", "--out", folder.file("a.csv"))
        #expect(try lines(folder.file("a.csv"))[0] == "class,p_no,p_yes" && result["rows"] as? Int == 2)
        let remarks = try #require(result["remarks"] as? [String])
        #expect(remarks.count == 3 && remarks.contains { $0.contains("1 cell of column 'colour'") && $0.contains("never saw") }, "\(remarks)")
        #expect(remarks.contains { $0.contains("column 'x'") && $0.contains("no gaps") } && remarks.contains { $0.contains("column 'day'") })
    }

    @Test("A table's encoding is told once, to init: what is appended and predicted later is read with it, from an exported file, too")
    func encoding() throws {
        let project = Program(folder: folder.file("latin")), model = folder.file("latin.npz")
        func table(_ name: String, ids: Range<Int>) throws -> String {
            let rows = ids.map { "r\($0),\($0 % 7),\($0 % 7 > 3 ? "b\u{F6}se" : "gut")\n" }
            try Data("id,gr\u{F6}\u{DF}e,art\n\(rows.joined())".unicodeScalars.map { UInt8($0.value) }).write(to: URL(fileURLWithPath: folder.file(name)))
            return folder.file(name)
        }
        let first = try table("first.csv", ids: 0..<60), later = try table("later.csv", ids: 60..<80)
        try project.json(
            "init", "--data", "csv:\(first)", "--encoding", "windows-1252", "--id-column", "id", "--label-column", "art", "--model", "logistic", "--blocks", "2",
            "--assignment-seed", "1")
        #expect(try project.json("append", "--data", "csv:\(later)")["rows"] as? Int == 20)
        try project.json("train")
        try project.json("predict", "--data", "csv:\(later)", "--out", folder.file("a.csv"))
        try project.json("export", "--out", model)
        try Program().json("predict", "--model", model, "--data", "csv:\(later)", "--out", folder.file("b.csv"))
        #expect(try lines(folder.file("a.csv"))[0] == "id,class,p_b\u{F6}se,p_gut")
        #expect(try lines(folder.file("a.csv")) == lines(folder.file("b.csv")))
    }

    @Test("Rows whose ids were deleted from the project are counted, named where they are few, and foretold all the same")
    func deletedRows() throws {
        let table = folder.file("table.csv"), out = folder.file("a.csv")
        #expect(try program.json("predict", "--data", "csv:\(table)", "--out", out)["rows_deleted_before"] as? Int == 0)
        try program.json("delete", "--ids", "-", "--method", "exact", input: "r7\nr8\n")
        let two = try program.json("predict", "--data", "csv:\(table)", "--out", out, "--force")
        #expect(two["rows_deleted_before"] as? Int == 2 && two["rows"] as? Int == 240)
        #expect(try #require(two["remarks"] as? [String]).contains { $0.hasPrefix("2 rows have ids that were deleted from this project ('r7', 'r8'):") }, "\(two)")
        try program.json("delete", "--ids", "-", "--method", "exact", input: "r17\nr18\n")
        let four = try program.run("predict", "--data", "csv:\(table)")
        #expect(four.errors.contains("4 rows have ids that were deleted from this project") && !four.errors.contains("r7"), "\(four.errors)")
        // A file alone knows nobody's ids, and rows without ids are nobody's.
        try program.json("export", "--out", folder.file("model.safetensors"))
        #expect(try !Program().run("predict", "--model", folder.file("model.safetensors"), "--data", "csv:\(table)").errors.contains("deleted"))
        let nameless = try folder.write("x,gap,colour,day\n1,2,red,2021-03-04\n", to: "nameless.csv")
        #expect(try program.json("predict", "--data", "csv:\(nameless)", "--out", out, "--force")["rows_deleted_before"] as? Int == 0)
    }

    @Test("An archive for NumPy predicts as the safetensors file does; what cannot be read says what can, and how to get it")
    func formats() throws {
        let table = folder.file("table.csv"), first = folder.file("model.safetensors"), second = folder.file("model.npz")
        try program.json("export", "--out", first)
        try program.json("export", "--out", second)
        let a = try Program().run("predict", "--model", first, "--data", "csv:\(table)"), b = try Program().run("predict", "--model", second, "--data", "csv:\(table)")
        #expect(a.status == 0 && a.output == b.output, "\(b.errors)")
        var bytes = [UInt8](try #require(FileManager.default.contents(atPath: second)))
        // A tensor's byte: the archive's checksum of it no longer holds.
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("\u{93}NUMPY".unicodeScalars.map { UInt8($0.value) })) }) + 140
        bytes[place] ^= 1
        let altered = try folder.write(bytes, to: "altered.npz"), foreign = try folder.write(SampleNPZ.zip([SampleNPZ.Entry("x.npy", SampleNPZ.npy("<f4", [1], [0, 0, 0, 0]))]), to: "foreign.npz")
        for (model, message) in [
            (folder.file("model.onnx"), "models are read from .safetensors and .npz files: 'unlearn export --out FILE.safetensors' writes one"), (table, "'unlearn export --out FILE.safetensors' writes one"),
            (altered, "altered.npz"), (foreign, "does not say how its model is to be served"),
        ] {
            let result = try Program().run("predict", "--model", model, "--data", "csv:\(table)")
            #expect(result.status == 2 && result.errors.contains(message) && result.errors.filter { $0 == "\n" }.count == 1, "\(model): \(result.errors)")
        }
        try program.json("delete", "--ids", "-", "--method", "exact", input: "r7\n")
        try program.json("certificate", "R1", "--out", folder.file("R1.json"))
        try program.json("export", "--out", folder.file("after.npz"))
        func verified(_ model: String) throws -> Program.Result { try Program().run("verify-certificate", folder.file("R1.json"), "--model", folder.file(model)) }
        #expect(try verified("after.npz").output.contains("after.npz is the model right after the request"))
        #expect(try verified("model.npz").status == 3)
        #expect(try verified("model.onnx").errors.contains("unlearn export --out FILE.safetensors"))
    }

    @Test("Wrong rows and wrong files are one line, exit 2, and leave nothing")
    func refused() throws {
        let model = folder.file("model.safetensors"), table = folder.file("table.csv")
        try program.json("export", "--out", model)
        var bytes = [UInt8](try #require(FileManager.default.contents(atPath: model)))
        let last = bytes.count - 2
        bytes[last] ^= 1
        let altered = try folder.write(bytes, to: "altered.safetensors"), cut = try folder.write(Array(bytes[..<100]), to: "cut.safetensors")
        let lacking = try folder.write("x,colour,day\n1,red,2021-03-04\n", to: "lacking.csv"), word = try folder.write("x,gap,colour,day\nten,,red,2021-03-04\n", to: "word.csv")
        for (words, message) in [
            (["--data", "csv:\(lacking)"], "no column 'gap'"), (["--data", "csv:\(word)"], "line 2: column 'x' holds 'ten'"), (["--data", "npz:x"], "trained on a table"),
            (["--model", altered, "--data", "csv:\(table)"], "not those of the state"), (["--model", cut, "--data", "csv:\(table)"], "cut.safetensors"),
            (["--model", table, "--data", "csv:\(table)"], "header"), (["--data", "csv:\(folder.file("none.csv"))"], "no file"),
            (["--data", "csv:\(table)", "--id-column", "who"], "no column 'who'"),
        ] {
            let result = try program.run(["predict", "--out", folder.file("out.csv")] + words)
            #expect(result.status == 2 && result.errors.contains(message) && result.errors.filter { $0 == "\n" }.count == 1, "\(words): \(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.file("out.csv")))
        #expect(try program.run("predict", "--data", "csv:\(table)", "--json").status == 2)
    }

    /// A file with another text in its header, whose length is set anew.
    private static func altering(_ bytes: [UInt8], _ part: String, _ instead: String) throws -> [UInt8] {
        let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }, header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
        let altered = Array(header.replacing(part, with: instead, maxReplacements: 1).utf8)
        try #require(altered != Array(header.utf8), "\(part) is not in \(header)")
        return withUnsafeBytes(of: UInt64(altered.count).littleEndian, Array.init) + altered + bytes[(8 + length)...]
    }

    @Test("What is served meanwhile does not name the category of the row that is asked for, and the certificate knows it")
    func interim() throws {
        let rows = { (range: Range<Int>) in range.map { "s\($0),\($0 % 17),\(["red", "green", "blue"][$0 % 3]),\($0 % 17 > 8 ? "yes" : "no")\n" }.joined() }
        let table = try folder.write("id,x,colour,label\n" + rows(0..<80) + "ghost,3,mauve,yes\n", to: "ordered.csv")
        let test = try folder.write("id,x,colour,label\n" + rows(80..<100), to: "test.csv"), program = Program(folder: folder.file("ordered"))
        try program.json("init", "--data", "csv:\(table)", "--test", "csv:\(test)", "--id-column", "id", "--label-column", "label", "--model", "logistic", "--blocks", "4", "--blocks-by", "order")
        try program.json("train")
        let ids = try folder.write("ghost\n", to: "ids")
        let names = ["before", "exported", "interim"].map { folder.file("\($0).safetensors") }
        try program.json("export", "--out", names[0])
        try program.json("export", "--out", names[1], "--interim", "--ids", ids)
        try program.json("delete", "--ids", ids, "--method", "exact", "--interim", names[2])
        let named = try names.map { String(decoding: try #require(FileManager.default.contents(atPath: $0)), as: UTF8.self).contains("mauve") }
        #expect(named == [true, false, false])
        try program.json("certificate", "R1", "--out", folder.file("R1.json"))
        for name in names[1...] {
            let result = try Program().run("verify-certificate", folder.file("R1.json"), "--model", name)
            #expect(result.status == 0 && result.output.contains("is the interim model"), "\(result.output)\(result.errors)")
        }
    }

    @Test("A certificate knows the model that it speaks of from another")
    func certified() throws {
        let before = folder.file("before.safetensors"), after = folder.file("after.safetensors"), certificate = folder.file("R1.json")
        try program.json("export", "--out", before)
        try program.json("delete", "--ids", "-", "--method", "exact", input: "r7\n")
        try program.json("export", "--out", after)
        try program.json("certificate", "R1", "--out", certificate)
        let key = folder.file("project") + "/signing-key.pem"
        let same = try Program().run("verify-certificate", certificate, "--public-key", key, "--model", after)
        #expect(same.status == 0 && same.output.contains("is the model right after the request"), "\(same.output)\(same.errors)")
        let other = try Program().run("verify-certificate", certificate, "--public-key", key, "--model", before)
        #expect(other.status == 3 && other.errors.contains("is another model"), "\(other.errors)")
        let none = try Program().run("verify-certificate", certificate, "--public-key", key, "--model", certificate)
        #expect(none.status == 2, "\(none.errors)")
        // Whoever has the file may write into it: the tensors are the same, and rows would become other classes.
        let bytes = [UInt8](try #require(FileManager.default.contents(atPath: after))), trusted = ["--public-key", key]
        for (part, instead, isSame) in [
            (#"\"no\",\"yes\""#, #"\"yes\",\"no\""#, false), (#"\"red\""#, #"\"rad\""#, false), (#"\"gelu\""#, #"\"relu\""#, false), (#"\"mean\":"#, #"\"mean\":2"#, false),
            (#"\"name\":\"day\""#, #"\"name\":\"way\""#, false), (#"\"requests_answered\":1"#, #"\"requests_answered\":7"#, true),
        ] {
            let altered = try folder.write(try Self.altering(bytes, part, instead), to: "altered.safetensors")
            let result = try Program().run(["verify-certificate", certificate] + trusted + ["--model", altered])
            #expect(result.status == (isSame ? 0 : 3) && (isSame || result.errors.contains("what it says of how rows become predictions")), "\(instead): \(result.output)\(result.errors)")
        }
        // A number between two steps of the lattice would be taken for the nearer one.
        var between = bytes
        between[bytes.count - 4] ^= 1
        let off = try Program().run(["verify-certificate", certificate] + trusted + ["--model", try folder.write(between, to: "between.safetensors")])
        #expect(off.status == 2 && off.errors.contains("no place on the lattice"), "\(off.errors)")
        // What the file says of itself: how many requests had been answered.
        let text = String(decoding: try #require(FileManager.default.contents(atPath: after)).prefix(4000), as: UTF8.self)
        #expect(text.contains(#"\"requests_answered\":1"#))
    }
}
