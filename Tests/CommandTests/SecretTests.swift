import Files
import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Secret keys in the place of other files", .timeLimit(.minutes(60)))
struct SecretTests {
    private let shell: Shell
    private let secret: String

    init() throws {
        shell = try Shell(copying: Self.prepared.get())
        secret = String(try String(contentsOfFile: shell.folder.file("copy"), encoding: .utf8).prefix(64))
    }

    /// A project with a deletion, and its key under many names.
    nonisolated(unsafe) private static let prepared = Result {
        let shell = try Shell.withTable()
        let made = try shell.run("""
            set -e
            $U -C p init --data csv:full.csv $A --quiet; $U -C p train --quiet
            echo u1 > ids; $U -C p delete --ids ids --method exact --quiet; $U -C p certificate R1 --out R1.json --quiet
            cp p/project.key copy; head -c 64 copy > bare; tr a-f A-F < copy > upper; printf '%s\\r\\n' "$(cat copy)" > crlf; ln -s p/project.key link; ln p/project.key hard
            cp -r p named; mv named/project.key elsewhere; ln elsewhere again
            """)
        #expect(made.status == 0, "\(made.errors)")
        return shell
    }

    private static let initialise = "-C new init --model logistic --blocks 2"
    private static let table = "--data csv:full.csv --id-column id --label-column y"

    /// Every option and word that takes the name of a file to read.
    static let places = [
        "verify-certificate R1.json --public-key @", "verify-certificate @", "-C p where --ids @", "-C p delete --ids @", "-C p delete --ids @ --ignore-missing",
        "-C p evaluate --on @", "-C p audit --before @", "-C p check --certificate @", "-C p value --players @", "-C p value --players blocks merge @",
        "\(initialise) \(table) --only @", "\(initialise) \(table) --exclude @", "\(initialise) \(table) --groups @", "\(initialise) \(table) --test csv:@",
        "\(initialise) --data csv:@ --label-column y", "\(initialise) --data libsvm:@", "\(initialise) --data npz:@", "\(initialise) --data idx:@,full.csv",
        "\(initialise) --data idx:full.csv,@", "\(initialise) --data cifar10:@",
    ]

    @Test("No message repeats a digit of it, whatever option it is given to", arguments: places)
    func neverEchoed(place: String) throws {
        let keys = ["p/project.key", "copy", "bare", "upper", "crlf", "link", "hard", "<(cat p/project.key)"]
        for key in keys {
            let isTwo = key.hasPrefix("<(") && place.contains(":@")
            let words = place.replacingOccurrences(of: "@", with: key)
            let result = try shell.run("$U \(words)")
            let text = (result.output + result.errors).lowercased()
            #expect(result.status == 2 || result.status == 3 || isTwo, "\(words): \(result.status) \(result.errors)")
            for start in 0...56 {
                let run = String(secret.dropFirst(start).prefix(8))
                #expect(!text.contains(run), "\(words): \(result.errors)")
            }
        }
        #expect(!FileManager.default.fileExists(atPath: shell.folder.file("new")))
    }

    @Test("Nor do messages and results repeat an altered copy", arguments: places + ["-C p delete --ids @ --ignore-unknown --json", "-C p delete --ids @ --ignore-unknown", "-C p delete --ids @ --ignore-unknown --dry-run"])
    func alteredCopies(place: String) throws {
        #expect(try shell.run("""
            k=$(cat copy); echo "'$k'" > c1; echo "$k,y" > c2; echo "key=$k" > c3; echo "$k$k" > c4; echo "${k%?}" > c5; printf 'id,y\n%s,a\n' "$k" > c6; printf '%s 1:2\n' "$k" > c7
            """).status == 0)
        for copy in 1...7 {
            let words = place.replacingOccurrences(of: "@", with: "c\(copy)")
            let result = try shell.run("$U \(words); s=$?; rm -rf new; exit $s")
            let text = (result.output + result.errors).lowercased()
            for start in 0...54 { #expect(!text.contains(secret.dropFirst(start).prefix(9)), "\(words): \(result.output) \(result.errors)") }
        }
    }

    @Test("Digits in a message are hidden where they may be a key, and not in a path")
    func hiding() {
        let key = String(repeating: "0fA3", count: 16)
        #expect(SecretFile.hidingDigits(in: "'\(key)' is unknown") == "'(64 hexadecimal digits)' is unknown")
        #expect(SecretFile.hidingDigits(in: "/a/\(key)/b: \(key.prefix(40)), ä\(key.prefix(41))") == "/a/\(key)/b: \(key.prefix(40)), ä(41 hexadecimal digits)")
        for same in ["", "/layers/\(key)", key.prefix(32) + " is unknown"] { #expect(SecretFile.hidingDigits(in: String(same)) == same) }
    }

    @Test("The secret key in the place of the public one is called what it is")
    func publicKey() throws {
        for key in ["p/project.key", "copy", "link", secret] {
            let result = try shell.run("$U verify-certificate R1.json --public-key \(key)")
            #expect(result.status == 2 && result.errors.contains("a secret key, not a public one"), "\(result.errors)")
            #expect(!result.errors.contains(secret.prefix(8)))
        }
        #expect(try shell.run("$U verify-certificate R1.json --public-key p/signing-key.pem").status == 0)
    }

    @Test("A key that UNLEARN_KEY_FILE names is known under every name")
    func namedElsewhere() throws {
        for key in ["elsewhere", "again"] {
            let result = try shell.run("UNLEARN_KEY_FILE=elsewhere $U -C named where --ids \(key)")
            #expect(result.status == 2 && result.errors.contains("\(key) is a secret key"), "\(result.errors)")
        }
    }

    @Test("A row whose id is 64 hexadecimal digits can be named and deleted")
    func digestIDs() throws {
        let id = String(repeating: "0123456789abcdef", count: 4)
        #expect(try shell.run("sed 's/^u7,/\(id),/' full.csv > hashed.csv; $U -C h init --data csv:hashed.csv $A --quiet && $U -C h train --quiet && echo \(id) > one").status == 0)
        #expect(try shell.run("$U -C h where --ids one").output.contains(id))
        #expect(try shell.run("$U -C h delete --ids one --method exact").status == 0)
    }
}
