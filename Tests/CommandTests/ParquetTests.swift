import Foundation
import ProgramSupport
import TestSupport
import Testing

/// Without pyarrow, which few machines have: a program of our own stands in for Python. `make interoperability` reads real files.
@Suite("Parquet files", .timeLimit(.minutes(60)))
struct ParquetTests {
    private let shell: Shell

    init() throws {
        shell = try Shell.withTable()
        // What begins as such a file does, with the table behind it.
        let made = try shell.run("{ echo PAR1; cat full.csv; } > rows.parquet")
        #expect(made.status == 0)
    }

    /// A stand-in for Python, on a PATH of its own.
    private func python(_ script: String) throws {
        let made = try shell.run("mkdir -p bin; printf '#!/bin/sh\\n%s\\n' \(quoted(script)) > bin/python3; chmod +x bin/python3")
        #expect(made.status == 0, "\(made.errors)")
    }

    private func quoted(_ text: String) -> String { "'" + text.replacingOccurrences(of: "'", with: "'\\''") + "'" }

    private static let convert = "exec tail -n +2"

    @Test("Its rows make the project that the same rows make as text, whatever the file's name, and wherever Python is")
    func project() throws {
        try python(Self.convert)
        #expect(try shell.run("$U -C text init --data csv:full.csv $A --quiet && $U -C text train --quiet").status == 0)
        let digest = try shell.run("$U -C text status --json").json()["state_digest"] as? String
        for (name, run) in [
            ("rows.parquet", "PATH=$PWD/bin:$PATH"), ("rows.parquet", "UNLEARN_PYTHON=$PWD/bin/python3"),
            ("-", "PATH=$PWD/bin:$PATH"), ("$'d\\xff $(touch made);*'", "PATH=$PWD/bin:$PATH"),
        ] {
            let made = try shell.run("""
                [ \(name) = - ] || [ -e \(name) ] || cp rows.parquet \(name)
                export \(run); { $U -C p init --data parquet:\(name) $A --quiet < rows.parquet && $U -C p train --quiet; } > said && $U -C p status --json && rm -r p
                """)
            #expect(made.status == 0, "\(name): \(made.errors)")
            #expect(try made.json()["state_digest"] as? String == digest, "\(name)")
        }
        #expect(!FileManager.default.fileExists(atPath: shell.folder.file("made")))
    }

    @Test("Several files are one table, and test rows may come from another")
    func files() throws {
        try python(Self.convert)
        let made = try shell.run("""
            export PATH=$PWD/bin:$PATH
            { echo PAR1; head -201 full.csv; } > a.parquet; { echo PAR1; head -1 full.csv; tail -n 200 full.csv; } > b.parquet; head -20 full.csv | sed 's/^u/t/' > t.csv
            $U -C p init --data parquet:a.parquet,b.parquet --test csv:t.csv $A --json
            """)
        let result = try made.json()
        #expect(result["rows"] as? Int == 400 && result["test_rows"] as? Int == 19)
    }

    @Test("What is wrong with a row is said of the file and its row")
    func rows() throws {
        try python(Self.convert)
        for (change, message) in [
            ("s/^u7,25,/u7,many,/", "rows.parquet row 7: column 'age' holds 'many' where other rows hold numbers"),
            ("s/^u7,.*/u7,25,/", "rows.parquet row 7: no label in column 'y'"), ("s/^u7,/u8,/", "rows.parquet row 8 has the id 'u8' of row 7"),
            ("s/^u9,/,/", "rows.parquet row 9 has an empty id"), ("s/^id,/who,/", "rows.parquet has no column 'id' (--id-column); its columns are who, age, y"),
            ("s/^u7,/u\\x00,/", "rows.parquet row 7, column 1 has a zero byte (NUL)"),
        ] {
            let result = try shell.run("PATH=$PWD/bin:$PATH; { echo PAR1; sed '\(change)' full.csv; } > rows.parquet; exec $U -C p init --data parquet:rows.parquet $A")
            expectRefusal(result, message)
        }
    }

    @Test("Where Python or its pyarrow is missing, or fails, one line says so and nothing is made", arguments: [
        (nil, "cannot read rows.parquet: there is no program python3, and Python's pyarrow reads Parquet files; install both"),
        ("echo \"Python's pyarrow cannot be loaded: No module named 'pyarrow'\" >&2; exit 69",
         "cannot read rows.parquet: Python's pyarrow cannot be loaded: No module named 'pyarrow'; install it for python3 (pip install pyarrow)"),
        ("echo 'has two columns' >&2; exit 65", "rows.parquet has two columns"),
        ("printf 'Traceback\\n  of much\\nMemoryError: all gone\\n' >&2; exit 1", "python3 fails (status 1: MemoryError: all gone); mend it"),
        ("cat >&2; exit 1", "python3 fails (status 1: u400,58,1)"), ("exit 3", "python3 fails (status 3: it says nothing)"),
        ("head -3; kill -9 $$", "python3 was ended by signal 9; is there enough memory?"), ("exit 0", "rows.parquet is empty; a header row is needed"),
    ] as [(String?, String)])
    func failures(script: String?, message: String) throws {
        if let script { try python(script) } else { try shell.run("mkdir bin").expectDone() }
        expectRefusal(try shell.run("PATH=$PWD/bin\(script == nil ? "" : ":$PATH") ; exec $U -C p init --data parquet:rows.parquet $A"), message)
    }

    @Test("What is no Parquet file, or no file, is refused before Python is looked for")
    func others() throws {
        try shell.run("mkdir folder; printf PA > short; printf PAREx > sealed; seq 64 | head -c 64 > digits; mkfifo pipe").expectDone()
        for (words, message) in [
            ("parquet:full.csv", "full.csv is no Parquet file; name a file of text as csv:full.csv"), ("parquet:short", "short is no Parquet file"),
            ("parquet:sealed", "sealed is an encrypted Parquet file"), ("parquet:none", "no file none"), ("parquet:folder", "folder is not a regular file"),
            ("parquet:pipe", "nothing comes out of the pipe pipe"), ("parquet:full.csv --encoding latin-1", "--encoding is for csv: only"),
            ("npz:full.csv --test parquet:rows.parquet", "--id-column is for tables (csv:, parquet:) only"),
        ] {
            expectRefusal(try shell.run("PATH=; UNLEARN_PYTHON=/none exec $U -C p init --data \(words) $A"), message)
        }
    }

    @Test("Columns that are no features need not be read, of whatever kind they are")
    func columns() throws {
        // The words that it was given, but for the script.
        try python("shift 2; echo \"$@\" >> asked; exec tail -n +2")
        let made = try shell.run("""
            export PATH=$PWD/bin:$PATH; D="--data parquet:rows.parquet"
            sed -i '2s/$/,z/; 3,$s/$/,0/' rows.parquet; head -30 rows.parquet | sed 's/^u/t/' > test.parquet
            $U -C a init $D $A --ignore-columns z --decimal-comma --test parquet:test.parquet --quiet && $U -C b init $D $A --only-columns age --quiet
            """)
        #expect(made.status == 0, "\(made.errors)")
        let asked = try String(contentsOfFile: shell.folder.file("asked"), encoding: .utf8)
        #expect(asked == "--decimal-comma --ignore=z -\n--decimal-comma --only=age --only=y --only=id -\n--only=age --only=y --only=id -\n")
    }

    @Test("Ctrl-C while Python works ends it and leaves nothing")
    func interruption() throws {
        try python("sleep 1000 & echo $$ $! > pids.part; mv pids.part pids; wait")
        let process = Process(), folder = shell.folder
        process.executableURL = URL(fileURLWithPath: Program.path)
        process.arguments = ["-C", folder.file("p"), "init", "--data", "parquet:" + folder.file("rows.parquet"), "--label-column", "y", "--model", "logistic"]
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.environment = ProcessInfo.processInfo.environment.merging(["UNLEARN_PYTHON": folder.file("bin/python3")]) { $1 }
        process.standardError = FileHandle.nullDevice
        try process.run()
        #expect(wait { FileManager.default.fileExists(atPath: folder.file("pids")) || !process.isRunning })
        process.interrupt()
        process.waitUntilExit()
        #expect(process.terminationStatus == 130 && !FileManager.default.fileExists(atPath: folder.file("p")))
        let group = try #require(Int32(try String(contentsOfFile: folder.file("pids"), encoding: .utf8).prefix { $0 != " " }))
        // Who inherits what it had started may take a moment to notice that it ended.
        #expect(wait { kill(-group, 0) == -1 && errno == ESRCH })
    }

    private func expectRefusal(_ result: Program.Result, _ message: String) {
        #expect(result.status == 2 && result.errors.contains(message) && result.errors.filter { $0 == "\n" }.count == 1, "\(message): \(result.errors)")
        #expect(!FileManager.default.fileExists(atPath: shell.folder.file("p")))
    }
}

extension Program.Result {
    fileprivate func expectDone() { #expect(status == 0, "\(errors)") }
}
