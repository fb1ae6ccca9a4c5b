import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("What is said of inputs")
struct InputMessageTests {
    private let shell: Shell
    init() throws { shell = try Shell.withTable() }

    private func expectRefusal(_ words: String, _ parts: String...) throws {
        let result = try shell.run("$U -C new init \(words)")
        #expect(result.status == 2 && result.errors.filter { $0 == "\n" }.count == 1, "\(words): \(result.status) \(result.errors)")
        for part in parts { #expect(result.errors.contains(part), "\(words): \(result.errors)") }
        #expect(!FileManager.default.fileExists(atPath: shell.folder.file("new")))
    }

    @Test("An id that occurs twice is found in its file, at both lines")
    func duplicates() throws {
        #expect(try shell.run("sed 's/^u300,/u7,/' full.csv > twice.csv; (head -1 full.csv; echo; echo u7,3,1; echo u500,3,0) > test.csv").status == 0)
        try expectRefusal("--data csv:twice.csv $A", "twice.csv line 301 has the id 'u7' of line 8", "rename one")
        try expectRefusal("--data csv:full.csv --test csv:test.csv $A", "in line 8 of full.csv and in line 3 of test.csv", "a test row must be none that the model is trained on")
        let x = SampleNPZ.npy("|u1", [40, 2], (0..<80).map { UInt8($0) }), y = SampleNPZ.npy("|u1", [40], (0..<40).map { UInt8($0 % 2) })
        let id = SampleNPZ.npy("|u1", [40], (0..<40).map { UInt8($0 == 30 ? 4 : $0) })
        try shell.folder.write(SampleNPZ.zip([("x", x), ("y", y), ("id", id)].map { SampleNPZ.Entry("\($0).npy", $1) }), to: "twice.npz")
        try expectRefusal("--data npz:twice.npz --model logistic --blocks 2", "the id '4' occurs twice, in row 5 of twice.npz and in row 31 of twice.npz")
    }

    @Test("A column of measurements is no column of classes")
    func continuous() throws {
        try shell.folder.write("x,y\n" + (0..<300).map { "\($0),\(Double($0 * 37 % 101) / 7)\n" }.joined(), to: "measured.csv")
        try expectRefusal("--data csv:measured.csv --label-column y --model logistic --blocks 2", "column 'y' holds 101 different numbers in 300 rows", "this is a classifier")
        try shell.folder.write("x,y\n" + (0..<300).map { "\($0),\($0 * 3)\n" }.joined(), to: "counted.csv")
        try expectRefusal("--data csv:counted.csv --label-column y --model logistic --blocks 2", "the labels are 300 different ones in 300 rows")
    }

    @Test("Images with their channels last make a project, and it is said")
    func channelsLast() throws {
        let x = SampleNPZ.npy("|u1", [40, 32, 32, 3], (0..<40 * 32 * 32 * 3).map { UInt8(truncatingIfNeeded: $0 * 7) })
        let y = SampleNPZ.npy("<f8", [40], SampleNPZ.doubles((0..<40).map { Double($0 % 2) }))
        try shell.folder.write(SampleNPZ.zip([SampleNPZ.Entry("x.npy", x), SampleNPZ.Entry("y.npy", y)]), to: "images.npz")
        let made = try shell.run("$U -C images init --data npz:images.npz --model resnet20 --blocks 2 --assignment-seed 1")
        #expect(made.status == 0 && made.output.contains("32×32 with 3 channels, read as channels last"), "\(made.errors)\(made.output)")
    }

    @Test("A key that others can read, or that is not there, names the variable that mends it")
    func keys() throws {
        #expect(try shell.run("$U -C p init --data csv:full.csv $A --quiet && chmod 644 p/project.key").status == 0)
        let open = try shell.run("$U -C p status")
        #expect(open.status == 2 && open.errors.contains("chmod 600 p/project.key") && open.errors.contains("UNLEARN_KEY_FILE"), "\(open.errors)")
        #expect(try shell.run("mv p/project.key away").status == 0)
        #expect(try shell.run("$U -C p status").errors.contains("set UNLEARN_KEY_FILE to where it is"))
        let wrong = try shell.run("UNLEARN_KEY_FILE=nowhere $U -C p status")
        #expect(wrong.status == 2 && wrong.errors.contains("nowhere, which UNLEARN_KEY_FILE names, is missing"), "\(wrong.errors)")
        #expect(try shell.run("UNLEARN_KEY_FILE=away $U -C p status").status == 0)
    }
}
