import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Groups of training rows and of test rows", .timeLimit(.minutes(60)))
struct GroupTests {
    private let shell: Shell

    init() throws {
        shell = try Shell()
        let header = "id,x,who,y\n"
        try shell.folder.write(header + (0..<200).map { "u\($0),\($0 % 17),\(["g0", "g1", ""][$0 % 3]),\($0 % 2)\n" }.joined(), to: "train.csv")
        // A group of training rows, one of test rows alone, and nobody.
        try shell.folder.write(header + (0..<60).map { "t\($0),\($0 % 17),\(["g1", "guest", ""][$0 % 3]),\($0 % 2)\n" }.joined(), to: "test.csv")
    }

    private static let small = "--data csv:train.csv --test csv:test.csv --id-column id --label-column y --model logistic --blocks 8 --epochs 1 --assignment-seed 1"

    private func text(_ name: String) throws -> String { try String(contentsOfFile: shell.folder.file(name), encoding: .utf8) }

    private func succeed(_ script: String) throws -> Program.Result {
        let result = try shell.run("set -e\n" + script)
        #expect(result.status == 0, "\(result.errors)")
        return result
    }

    @Test("Test rows from a file of their own keep their groups: they are found, and deleted with their provider")
    func testRows() throws {
        let result = try succeed("""
            $U -C p init \(Self.small) --group-column who --quiet > said; $U -C p train --quiet > said
            $U -C p where --group g1 --json | jq -r '[.rows[] | select(.part == "test")] | length'
            $U -C p where --group guest --json | jq -r '[.rows[] | .part + .group] | unique | join(" ")'
            printf 't0\\nt1\\nt2\\n' | $U -C p where --ids - --json | jq -c '[.rows[].group]'
            $U -C p value --players groups --estimator loo --metric loss --fidelity none --json | jq -c '[.players[].player] | sort'
            $U -C p delete --group g1 --method exact --json > deleted
            jq -c '[.rows_deleted, .test_rows_deleted]' deleted
            printf 't0\\nt1\\nt3\\n' | $U -C p where --ids - --json | jq -c '[.rows[].deleted]'
            $U -C p delete --group guest --json | jq -c '[.rows_deleted, .test_rows_deleted, .blocks_retrained]'
            for g in g1 guest; do r=0; $U -C p where --group $g 2>> gone || r=$?; [ $r = 2 ]; done
            $U -C p check --read-data > said
            """)
        #expect(result.output == """
            20
            testguest
            ["g1","guest",null]
            ["g0","g1"]
            [87,20]
            [true,false,true]
            [20,20,0]

            """)
        #expect(try text("gone").contains("no live row has the group 'guest'"))
    }

    @Test("A list of groups names test rows, too, by their ids or their positions, and says how many rows it leaves to nobody")
    func lists() throws {
        try shell.folder.write("id,group\n" + (0..<100).map { "u\($0),north\n" }.joined() + (0..<10).map { "t\($0),south\n" }.joined(), to: "groups.csv")
        try shell.folder.write("0,north\n1,north\ntest:1,south\ntest:2,north\n", to: "places.csv")
        let result = try succeed("""
            $U -C p init \(Self.small) --ignore-columns who --groups groups.csv | grep 'no group'
            $U -C p where --group south --json | jq -r '[.rows[] | select(.part == "test")] | length'
            $U -C q init \(Self.small.replacingOccurrences(of: "--id-column id", with: "--ignore-columns id,who")) --groups places.csv | grep 'no group'
            $U -C q where --group north --json | jq -c '[.rows[].id] | sort'
            """)
        #expect(result.output == """
            100 rows and 50 test rows have no group in groups.csv
            10
            198 rows and 58 test rows have no group in places.csv
            ["0","1","test:2"]

            """)
    }

    @Test("More than a thousand groups share a thousand blocks, none cut apart, unless each is to have its own")
    func many() throws {
        try shell.folder.write("id,x,y,who\n" + (0..<2400).map { "r\($0),\($0 % 7),\($0 % 2),g\($0 % 1200)\n" }.joined(), to: "many.csv")
        try shell.folder.write("id,x,y,who\n" + (0..<20).map { "t\($0),\($0 % 7),\($0 % 2),g0\n" }.joined(), to: "tests.csv")
        let init_ = "init --data csv:many.csv --test csv:tests.csv --id-column id --label-column y --group-column who --blocks-by group --model logistic --assignment-seed 1"
        let result = try succeed("""
            $U -C p \(init_) | grep groups
            seq -f r%g 0 2399 | $U -C p where --ids - --json | jq -r '[.rows[].block] | unique | length'
            seq -f r%g 0 2399 | $U -C p where --ids - --json | jq -r '[.rows | group_by(.id[1:] | tonumber % 1200)[] | [.[].block] | unique | length] | unique[]'
            $U -C q \(init_) --blocks 1200 --json | jq .blocks
            { head -1 many.csv; sed '1d; s/^r/n/; s/,g/,h/' many.csv; } > later.csv
            $U -C p train --quiet > said; $U -C p append --data csv:later.csv --assignment-seed 1 | grep -o '1200 groups share 1000 blocks'
            $U -C p status --json | jq .blocks
            """)
        #expect(result.output == """
            the rows belong to 1200 groups of 2 to 22 rows
            1200 groups share 1000 blocks, and none is cut apart; --blocks 1200 gives each a block, a file and a checkpoint of its own
            1000
            1
            1200
            1200 groups share 1000 blocks
            2000

            """)
    }

    @Test("What a list of groups may not say is one line, exit 2, and nothing is made", arguments: [
        ("--group-column who --groups fine.csv", "--groups and --group-column both say whose rows are whose; give one of them"),
        ("--groups unknown.csv", "unknown.csv: each of 'u999' (line 3), 't998' (line 4) is no row's id; correct it: a row a line, id,group"),
        ("--groups twice.csv", "twice.csv: 'u1' (line 2) is named again; give each id one group"),
        ("--branches 2 --stem-rows few", "few names 1 of 200 training rows, less than a block's share, so that there is no stem for them; name more, or give --stem or more --blocks"),
        ("--branches 2 --stem 0 --stem-rows few", "--stem-rows names rows for a stem, and there is none; choose a larger --stem, or leave it out"),
    ])
    func refused(words: String, message: String) throws {
        try shell.folder.write("u1,a\n", to: "fine.csv")
        try shell.folder.write("u1,a\nu2,b\nu999,a\nt998,b\n", to: "unknown.csv")
        try shell.folder.write("u1,a\nu1,b\n", to: "twice.csv")
        try shell.folder.write("u1\n", to: "few")
        let result = try shell.run("$U -C p init \(Self.small) \(words); s=$?; [ ! -e p ] || s=99; exit $s")
        #expect(result.status == 2 && result.errors == "unlearn: \(message)\n", "\(result.errors)")
    }

    @Test("A name with a line's end stays in its row of a table, and a long one is cut in a message")
    func names() throws {
        try shell.folder.write("id,x,who,y\n" + (0..<60).map { "u\($0),\($0 % 17),\"g\($0 % 3)\n\u{1B}[31mred\",\($0 % 2)\n" }.joined(), to: "train.csv")
        let result = try succeed("""
            $U -C p init --data csv:train.csv --id-column id --label-column y --group-column who --model logistic --blocks 6 --assignment-seed 1 --quiet > said; $U -C p train --quiet > said
            seq -f u%g 0 59 | $U -C p where --ids - | wc -l
            $U -C p value --players groups --estimator loo --metric loss --fidelity none | head -4 | cat -v
            r=0; $U -C p delete --group "$(head -c 100000 /dev/zero | tr '\\0' x)" 2> long || r=$?; [ $r = 2 ]
            r=0; $U -C p train --threads "$(head -c 100000 /dev/zero | tr '\\0' x)" 2>> long || r=$?; [ $r = 2 ]
            """)
        #expect(result.output.hasPrefix("61\nplayer"), "\(result.output)")
        #expect(result.output.split(separator: "\n").count == 5 && !result.output.contains("^["), "\(result.output)")
        for line in try text("long").split(separator: "\n") { #expect(line.count < 300 && line.contains(String(repeating: "x", count: 80) + "'"), "\(line)") }
    }
}
