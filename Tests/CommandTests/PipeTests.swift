import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Inputs that come through pipes", .timeLimit(.minutes(60)))
struct PipeTests {
    private let shell: Shell
    init() throws { shell = try Shell.withTable() }

    @Test("A table from a pipe makes the project that the file makes", arguments: [
        "--data csv:<(cat full.csv)", "--data csv:<(gzip -c full.csv)", "--data csv:/dev/stdin < <(cat full.csv)", "--data csv:- < full.csv",
        "--data csv:full.csv --only <(seq -f u%g 400)", "--data csv:<(sleep 0.3; cat full.csv) --groups <(echo u1,g)",
    ])
    func tables(words: String) throws {
        #expect(try shell.run("$U -C file init --data csv:full.csv $A --quiet").status == 0)
        let made = try shell.run("$U -C pipe init $A --quiet \(words)")
        #expect(made.status == 0, "\(made.errors)")
        var parts: [[String]] = []
        for name in ["file", "pipe"] {
            let rows = try shell.run("cut -d, -f1 full.csv | sed 1d | $U -C \(name) where --ids - --json").json()["rows"] as? [[String: Any]]
            parts.append(try #require(rows).map { "\($0["id"] ?? "") \($0["part"] ?? "")" })
            #expect(try shell.run("$U -C \(name) check --read-data").status == 0)
        }
        #expect(parts[0].count == 400 && parts[0] == parts[1])
    }

    @Test("Sparse text and arrays come through pipes, too")
    func others() throws {
        try shell.folder.write((0..<60).map { "\($0 % 2) 1:\($0) 3:0.5\n" }.joined(), to: "rows.svm")
        let x = SampleNPZ.npy("|u1", [40, 2], (0..<80).map { UInt8($0) }), y = SampleNPZ.npy("|u1", [40], (0..<40).map { UInt8($0 % 2) })
        try shell.folder.write(SampleNPZ.zip([SampleNPZ.Entry("x.npy", x), SampleNPZ.Entry("y.npy", y)]), to: "rows.npz")
        for (kind, file) in [("libsvm", "rows.svm"), ("npz", "rows.npz")] {
            let made = try shell.run("$U -C \(kind) init --data \(kind):<(cat \(file)) --model logistic --blocks 2 --assignment-seed 1")
            #expect(made.status == 0, "\(kind): \(made.errors)")
        }
    }

    @Test("Lists of ids and players come through pipes")
    func lists() throws {
        #expect(try shell.run("$U -C p init --data csv:full.csv $A --quiet && $U -C p train --quiet").status == 0)
        for words in [
            "where --ids <(echo u5)", "evaluate --on <(printf 'u1\\nu2\\n')", "value --players <(printf 'u1\\nu2\\n') --estimator exact --metric loss",
            "value --players <(printf 'player,id\\na,u1\\nb,u2\\n') --estimator exact --metric loss", "delete --ids <(echo u5) --method exact",
        ] {
            let result = try shell.run("$U -C p \(words)")
            #expect(result.status == 0, "\(words): \(result.errors)")
        }
    }

    @Test("A pipe that gives nothing is one line, at once", arguments: ["<(true)", "fifo"])
    func nothing(path: String) throws {
        #expect(try shell.run("mkfifo fifo; $U -C p init --data csv:full.csv $A --quiet").status == 0)
        let result = try shell.run("exec timeout 20 $U -C p where --ids \(path)")
        #expect(result.status == 2 && result.errors.filter { $0 == "\n" }.count == 1, "\(result.errors)")
    }

    /// The signal is there before the program is, and let in as soon as it can be: no wait begins after it that it could end.
    @Test("Ctrl-C right before a wait without end is heard", arguments: [
        "init --data csv:- $A", "init --data csv:/dev/stdin $A", "init --data parquet:rows.parquet $A", "-C made where --ids -", "-C made evaluate --on /dev/stdin",
        "-C made predict --data csv:-",
    ])
    func interruption(words: String) throws {
        let result = try shell.run("""
            $U -C made init --data csv:full.csv $A --quiet && $U -C made train --quiet; mkdir bin; mkfifo silent; exec 3<>silent
            printf '#!/bin/sh\nexec sleep 1000\n' > bin/python3; chmod +x bin/python3; printf 'PAR1%092dPAR1' 0 > rows.parquet
            export UNLEARN_PYTHON=$PWD/bin/python3
            exec timeout 600 perl -MPOSIX -e 'sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGINT)); kill INT => $$; exec @ARGV' $U \(words) <&3
            """)
        #expect(result.status == 130, "\(words): \(result.status) \(result.errors)")
    }
}
