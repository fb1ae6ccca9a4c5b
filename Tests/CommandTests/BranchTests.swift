import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Stem and branches on the command line", .timeLimit(.minutes(60)))
struct BranchTests {
    private let shell: Shell

    init() throws { shell = try Shell.withTable() }

    private static let table = "--data csv:full.csv --id-column id --label-column y --assignment-seed 1"
    private static let small = "\(table) --model mlp --hidden 4 --epochs 2 --batch-size 10"

    @Test("Lineages that cannot be are one line, exit 2, and nothing is made", arguments: [
        ("--branches 31 --blocks 30", "31 branches do not fit 30 blocks"),
        ("--branches 5 --blocks 30 --stem 1", "leaves less than a block for each of 5 branches"),
        ("--branches 5 --blocks 30 --stem 0.99", "leaves less than a block for each of 5 branches"),
        ("--branches 5 --blocks 30 --stem 1.5", "--stem takes a number from 0 to 1"),
        ("--branches -1 --blocks 30", "--branches takes a whole number"),
        ("--stem 0.5 --blocks 30", "--stem is for a stem with branches"),
        ("--risk risk --blocks 30", "--risk is for a stem with branches"),
        ("--branches 5 --blocks 30 --stem-rows unknown", "unknown: 'nobody' (line 2) is neither a row's id nor a group"),
        ("--branches 5 --blocks 30 --stem-rows all", "puts every row into the stem"),
        ("--branches 5 --blocks 30 --risk unknown-risk", "unknown-risk line 2: 'nobody' is neither a row's id nor a group"),
        ("--branches 5 --blocks 30 --risk beyond", "beyond line 1: '1.5' is no probability"), ("--branches 5 --blocks 30 --risk words", "words line 2: 'often' is no probability"),
        ("--branches 5 --blocks 30 --risk nan", "nan line 1: 'nan' is no probability"), ("--branches 5 --blocks 30 --risk twice", "twice line 2 names 'u1' again"),
        ("--branches 5 --blocks 30 --risk pairs", "pairs line 1 has 3 fields"), ("--branches 5 --blocks 30 --risk empty", "empty names no probabilities"),
        ("--branches 5 --blocks 30 --stem 0 --stem-rows few --risk fine", "--stem-rows names rows for a stem, and there is none"),
        ("--branches 5 --blocks 30 --stem-rows both --groups named", "is a row's id and a group's name"),
        ("--branches 2 --blocks 30 --branch-learning-rate 1e-10", "--branch-learning-rate takes a number"),
        ("--branches 2 --blocks 30 --merge-step 2.5", "--merge-step takes a number"), ("--merge-step 1.2", "--merge-step is for a stem with branches"),
        ("--branches 5 --blocks 3 --blocks-by group --groups groups", "5 branches do not fit 3 blocks"),
        ("--branches 5 --blocks 30 --blocks-by group", "--blocks-by group needs groups"),
        ("--branches 3 --blocks 30 --blocks-by group --groups groups --stem 0.5", "no row for it: every row has a group"),
        ("--branches 3 --blocks 3000 --blocks-by group --groups groups", "for 1000 blocks; choose fewer blocks (--blocks), or fewer branches"),
        ("--branches 3 --blocks 100 --stem-rows few --stem 0.5", "the stem has 49 blocks and only"),
    ])
    func impossible(words: String, message: String) throws {
        try shell.folder.write("u1\nnobody\n", to: "unknown")
        try shell.folder.write((1...400).map { "u\($0)\n" }.joined(), to: "ids")
        try shell.folder.write("u1,0.5\nnobody,0.5\n", to: "unknown-risk")
        try shell.folder.write("u1,1.5\n", to: "beyond")
        try shell.folder.write("id,risk\nu1,often\n", to: "words")
        try shell.folder.write("u1,nan\n", to: "nan")
        try shell.folder.write("u1,0.1\nu1,0.2\n", to: "twice")
        try shell.folder.write("u1,0.1,x\n", to: "pairs")
        try shell.folder.write("", to: "empty")
        try shell.folder.write("u1,0.5\n", to: "fine")
        try shell.folder.write("u1\n", to: "both")
        try shell.folder.write("u1,u1\n", to: "named")
        try shell.folder.write((1...400).map { "u\($0),g\($0 % 3)\n" }.joined(), to: "groups")
        // Which rows are training rows is told by a project with the same places.
        let listed = try shell.run("""
            $U -C known init \(Self.small) --quiet
            $U -C known where --ids ids --json | jq -r '.rows[] | select(.part == "train") | .id' > all
            head -3 all > few; sed -i '1i # training rows' all; train=$(head -1 few)
            for f in unknown unknown-risk beyond words nan twice pairs fine both named; do sed -i "s/u1/$train/g" $f; done
            """)
        #expect(listed.status == 0, "\(listed.errors)")
        let result = try shell.run("$U -C new init \(Self.small) \(words); s=$?; [ ! -e new ] || s=99; exit $s")
        let train = try String(contentsOfFile: shell.folder.file("few"), encoding: .utf8).split(separator: "\n")[0]
        #expect(result.status == 2, "\(words): \(result.errors)")
        #expect(result.errors.contains(message.replacingOccurrences(of: "u1", with: train)), "\(words): \(result.errors)")
        #expect(result.errors.filter { $0 == "\n" }.count == 1)
    }

    @Test("Rows that are named go into the stem, the likeliest to be deleted into the last blocks of the last branches")
    func places() throws {
        try shell.folder.write((1...400).map { "u\($0)\n" }.joined(), to: "ids")
        let made = try shell.run("""
            set -e
            $U -C known init \(Self.small) --quiet
            $U -C known where --ids ids --json | jq -r '.rows[] | select(.part == "train") | .id' > train
            head -60 train > stem; tail -20 train | sed 's/$/,0.9/' > risk; head -100 train | tail -40 | sed 's/$/,0.3/' >> risk
            $U -C a init \(Self.small) --blocks 30 --branches 5 --stem-rows stem --quiet
            $U -C b init \(Self.small) --blocks 30 --branches 5 --stem 0.5 --risk risk --quiet
            $U -C c init \(Self.small) --blocks 30 --branches 5 --stem 0.2 --risk risk --stem-rows stem --quiet
            for p in a b c; do $U -C $p train --quiet; $U -C $p where --ids train --json > $p.json; $U -C $p status --json > $p.status; done
            """)
        #expect(made.status == 0, "\(made.errors)")
        func rows(_ name: String) throws -> [[String: Any]] {
            let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: shell.folder.file(name + ".json")))) as? [String: Any]
            return try #require(json?["rows"] as? [[String: Any]])
        }
        func lineage(_ name: String) throws -> [String: Int] {
            let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: shell.folder.file(name + ".status")))) as? [String: Any]
            return try #require(json?["lineage"] as? [String: Int])
        }
        let a = try rows("a")
        #expect(a.prefix(60).allSatisfy { $0["place"] as? String == "stem" } && a.dropFirst(60).allSatisfy { ($0["place"] as? String)?.hasPrefix("branch") == true })
        // 60 of 360 rows are a sixth: five branches of five blocks, and a stem of five.
        #expect(try lineage("a") == ["stem": 5, "branches": 5, "length": 5])
        let b = try rows("b")
        let likeliest = b.suffix(20)
        #expect(Set(likeliest.compactMap { $0["place"] as? String }) == ["branch 5"])
        #expect(likeliest.allSatisfy { $0["block"] as? Int ?? 0 >= 29 }, "\(likeliest.map { $0["block"]! })")
        #expect(b.filter { $0["place"] as? String == "stem" }.count == 180)
        let c = try rows("c")
        #expect(c.prefix(60).allSatisfy { $0["place"] as? String == "stem" } && c.suffix(20).allSatisfy { $0["place"] as? String == "branch 5" })
    }

    @Test("Lists may name rows that were drawn as test rows; a first line that names a row is no heading; nobody's rows have no provider")
    func lists() throws {
        let ids = (1...400).map { "u\($0)" }
        try shell.folder.write(ids.map { $0 + ",0.1\n" }.joined(), to: "risk")
        try shell.folder.write(ids.prefix(120).map { $0 + "\n" }.joined(), to: "stem")
        try shell.folder.write("u7,90%\nu1,0.2\n", to: "percent")
        // A group of one row is a group: the row's own probability goes before it, whichever line comes first.
        try shell.folder.write("id,group\n" + ids.map { "\($0),\($0 == "u7" ? "solo" : "many")\n" }.joined(), to: "groups")
        let made = try shell.run("""
            set -e
            $U -C known init \(Self.small) --quiet > said; for i in $(seq 400); do echo u$i; done > all
            $U -C known where --ids all --json | jq -r '.rows[] | select(.part == "train") | .id' > train
            t=$(sed -n 5p train); sed -i "s/u7/$t/" groups percent
            printf '%s,0\nsolo,1\nmany,0.5\n' $t > own.csv; printf 'solo,1\nmany,0.5\n%s,0\n' $t > other.csv
            $U -C a init \(Self.small) --blocks 30 --branches 5 --risk risk --stem-rows stem > said
            for p in own other; do $U -C $p init \(Self.small) --blocks 30 --branches 5 --groups groups --risk $p.csv > said; echo $t | $U -C $p where --ids - --json | jq -r '.rows[0].place'; done
            """)
        #expect(made.status == 0, "\(made.errors)")
        #expect(made.output == "stem\nstem\n", "\(made.output)")
        let refused = try shell.run("$U -C b init \(Self.small) --blocks 30 --branches 5 --risk percent; s=$?; [ ! -e b ] || s=99; exit $s")
        #expect(refused.status == 2 && refused.errors.contains("percent line 1: '90%' is no probability"), "\(refused.errors)")
        try shell.folder.write(
            "id,x,who,y\n" + (1...200).map { "u\($0),\($0 % 17),\($0 % 3 == 0 ? "" : "p\($0 % 3)"),\($0 % 2)\n" }.joined(), to: "some.csv")
        let nobody = try shell.run("""
            set -e
            $U -C n init --data csv:some.csv --id-column id --label-column y --group-column who --model mlp --hidden 4 --epochs 1 --batch-size 10 --assignment-seed 1 \
                --blocks 12 --branches 2 --blocks-by group > said
            $U -C n train --quiet > said; $U -C n status --json | jq -r '.lineage | "\\(.stem) \\(.branches)"'
            $U -C none init --data csv:some.csv --id-column id --label-column y --model logistic --blocks 20 --branches 11 --stem 0 --assignment-seed 1 > said
            $U -C none train --quiet > said; $U -C none status --json | jq -r '.lineage | "\\(.stem) \\(.length)"'
            """)
        #expect(nobody.status == 0 && nobody.output == "4 2\n0 1\n", "\(nobody.output) \(nobody.errors)")
        // An empty name is nobody's wherever groups come from.
        try shell.folder.write("id,group\n" + (1...400).map { "u\($0),\($0 % 3 == 0 ? "" : "p\($0 % 3)")\n" }.joined(), to: "thirds.csv")
        let others = try shell.run("""
            set -e
            $U -C f init \(Self.small) --groups thirds.csv --blocks 12 --branches 2 --blocks-by group > said; $U -C f train --quiet > said
            $U -C f status --json | jq -r '.lineage | "\\(.stem) \\(.branches)"'
            comm -23 <(sort all) <(sort train) > tests; r=0; $U -C t init \(Self.small) --blocks 30 --branches 5 --stem-rows tests 2> refusal || r=$?; [ $r = 2 ]; [ ! -e t ]
            """)
        #expect(others.status == 0 && others.output == "4 2\n", "\(others.output) \(others.errors)")
        #expect(try String(contentsOfFile: shell.folder.file("refusal"), encoding: .utf8).contains("names none but rows that were drawn as test rows"))
    }

    @Test("Providers have branches of their own, and rows of nobody the stem; deleting one leaves the others' bits")
    func providers() throws {
        try shell.folder.write("id,group\n" + (1...300).map { "u\($0),g\($0 % 3)\n" }.joined(), to: "groups")
        let script = """
            set -e
            $U -C p init \(Self.small) --blocks 24 --branches 4 --blocks-by group --groups groups --quiet
            $U -C p train --quiet; $U -C p where --group g1 > g1; $U -C p value --players groups --metric loss --json > value.json
            $U -C p export --branch 1 --out b1.npz --quiet; $U -C p export --interim --group g1 --out interim.npz --json > interim.json
            $U -C p delete --group g1 --interim now.npz --json > delete.json
            $U -C p status --json > status.json; $U -C p certificate R1 --out R1.json --quiet; $U verify-certificate R1.json > verified
            $U -C p check --read-data
            $U -C p value --players groups --metric loss --out values --quiet; $U verify-certificate values/statement.json > same
            sed -i 's/g2/g3/' values/values.csv; ! $U verify-certificate values/statement.json 2> changed
            $U -C q init \(Self.small) --quiet; r=0; $U -C q check --certificate R1.json 2> foreign || r=$?; [ $r = 2 ]
            """
        let result = try shell.run(script)
        #expect(result.status == 0, "\(result.errors)")
        func json(_ name: String) throws -> [String: Any] {
            try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: shell.folder.file(name)))) as? [String: Any])
        }
        let deleted = try json("delete.json"), interim = try #require(deleted["interim"] as? [String: Any])
        #expect(deleted["method"] as? String == "exact" && deleted["exact"] as? Bool == true && deleted["residual"] is NSNull)
        // Nobody is left in the branches of a provider that leaves: the interim model is the result.
        #expect(interim["state_digest"] as? String == deleted["state_digest"] as? String)
        #expect(try json("interim.json")["state_digest"] as? String == deleted["state_digest"] as? String)
        let value = try json("value.json")
        #expect(value["blocks_trained"] as? Int == 0 && (value["players"] as? [Any])?.count == 3)
        let verified = try String(contentsOfFile: shell.folder.file("verified"), encoding: .utf8)
        #expect(verified.contains("exact by construction: branch") && verified.contains("interim model meanwhile"), "\(verified)")
        func text(_ name: String) throws -> String { try String(contentsOfFile: shell.folder.file(name), encoding: .utf8) }
        #expect(try text("same").contains("and so has the file beside the statement"))
        #expect(try text("changed").contains("values/values.csv is not the table that the statement was signed with"))
        #expect(try text("foreign").contains("R1.json is the certificate of another project"))
    }

    @Test("where shows a row's branch in one word, so that columns can be told apart at blanks")
    func oneWord() throws {
        try shell.folder.write("id,group\n" + (1...400).map { "u\($0),g\($0 % 3)\n" }.joined(), to: "groups")
        let result = try shell.run("$U -C p init \(Self.small) --blocks 8 --branches 2 --stem 0.5 --groups groups --quiet > said; seq -f u%g 400 | $U -C p where --ids -")
        let lines = result.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines[0] == ["id", "part", "block", "slot", "branch", "group", "deleted"] && lines.allSatisfy { $0.count == 7 }, "\(lines.prefix(3))")
        #expect(Set(lines.dropFirst().map { $0[4] }) == ["stem", "1", "2", "-"])
    }

    @Test("A provider that leaves its branches leaves the model of a project without its rows")
    func leavingProviders() throws {
        try shell.folder.write("id,group\n" + (1...400).map { "u\($0),g\($0 % 3)\n" }.joined(), to: "groups")
        let made = try shell.run("""
            set -e
            $U -C p init \(Self.small) --blocks 6 --branches 3 --blocks-by group --groups groups --quiet; $U -C p train --quiet
            for g in g0 g1 g2; do $U -C p where --group $g --json | jq -r '.rows[] | select(.part == "train") | .id' > $g; done
            for g in g0 g1 g2; do
                $U -C x$g init --like p \(Self.small.replacingOccurrences(of: " --assignment-seed 1", with: "")) --groups groups --exclude $g --quiet; $U -C x$g train --quiet
                cp -r p d$g; $U -C d$g delete --ids $g --json > $g.delete; $U -C x$g status --json > $g.naive
            done
            """)
        #expect(made.status == 0, "\(made.errors)")
        for group in ["g0", "g1", "g2"] {
            let same = try shell.run("[ \"$(jq -r .state_digest \(group).delete)\" = \"$(jq -r .state_digest \(group).naive)\" ]")
            #expect(same.status == 0, "\(group)")
        }
    }

    @Test("Providers share branches where they are more, none cut apart; one that leaves leaves the bits of a project without its rows, and new ones come with branches")
    func sharedBranches() throws {
        // One provider of 150 rows, one of 50, eighteen of ten or eleven.
        func provider(_ row: Int) -> Int { row < 150 ? 0 : row < 200 ? 1 : 2 + row % 18 }
        try shell.folder.write((0..<400).map { "u\($0 + 1),g\(provider($0))\n" }.joined(), to: "groups")
        try shell.folder.write("id,x,y,who\n" + (0..<400).map { "v\($0),\($0 % 7),\($0 % 2),h\(provider($0))\n" }.joined(), to: "table.csv")
        try shell.folder.write("id,x,y,who\n" + (0..<60).map { "w\($0),\($0 % 7),\($0 % 2),\($0 < 30 ? "h0" : $0 < 50 ? "new" : "newer")\n" }.joined(), to: "later.csv")
        let words = Self.small.replacingOccurrences(of: " --assignment-seed 1", with: "")
        let table = "--data csv:table.csv --id-column id --label-column y --group-column who --model mlp --hidden 4 --epochs 2 --batch-size 10 --blocks-by group"
        let result = try shell.run("""
            set -e
            branches() { $U -C $1 where --ids - --json | jq -r '[.rows[] | select(.part == "train")] | group_by(.group)[] | [.[].place] | unique | length' | sort | uniq -c | xargs; }
            $U -C p init \(Self.small) --branches 4 --blocks-by group --groups groups | grep -o '^20 providers.* one:'
            $U -C p train --quiet > said; cut -d, -f1 groups | branches p
            $U -C p where --group g5 --json | jq -r '.rows[] | select(.part == "train") | .id' > gone
            $U -C x init --like p \(words) --groups groups --exclude gone > said; $U -C x train --quiet > said; $U -C x status --json | jq -r .state_digest > naive
            $U -C p delete --ids gone --json > deleted; jq -r '.state_digest' deleted | cmp - naive; jq -r '"\\(.exact) \\(.rows_deleted > 0)"' deleted
            Q='\(table)'; $U -C q init $Q --branches 20 --assignment-seed 1 > made; $U -C q status --json | jq -r '.lineage | "\\(.stem) \\(.branches) \\(.length)"'
            $U -C q train --quiet > said; sed 1d table.csv | cut -d, -f1 | branches q
            $U -C q append --data csv:later.csv --assignment-seed 1 > said; $U -C q train --quiet > said; $U -C q status --json | jq -r .lineage.branches
            sed 1d later.csv | cut -d, -f1 | branches q
            $U -C q delete --group newer --json | jq -r '"\\(.exact) \\(.rows_deleted)"'
            # Nobody's rows and blocks that nobody asked for; then a provider of too few rows for a branch of two blocks.
            sed '2,4s/,[a-z0-9]*$/,/' table.csv > three.csv; $U -C n init --data csv:three.csv ${Q#*table.csv} --branches 20 --assignment-seed 1 > made
            $U -C n status --json | jq -r '.lineage | "\\(.stem) \\(.branches) \\(.length)"'
            { head -1 table.csv; seq 30 | sed 's/.*/y&,1,1,many/'; echo y0,1,1,few; } > uneven.csv; $U -C q append --data csv:uneven.csv --assignment-seed 1 | grep -o '2 providers share a branch'
            sed '1!s/,[a-z0-9]*$/,/; s/^w/z/' later.csv > nobody.csv; r=0; $U -C q append --data csv:nobody.csv 2> refusal || r=$?; [ $r = 2 ]; grep -o 'name the provider of every new row' refusal
            """)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output == """
            20 providers share 4 branches, up to 8 in one:
            20 1
            true true
            0 20 2
            20 1
            23
            3 1
            true 10
            1 20 2
            2 providers share a branch
            name the provider of every new row

            """)
    }
}
