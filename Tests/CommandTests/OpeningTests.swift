import Foundation
import ProgramSupport
import TestSupport
import Testing

@Suite("Openings: a certificate speaks of a person to that person alone")
struct OpeningTests {
    private let folder: TemporaryFolder
    private let program: Program

    init() throws {
        folder = try TemporaryFolder()
        program = Program(folder: folder.file("project"))
        let rows = (0..<160).map { "row-\($0),\($0 % 7),\($0 % 4),\($0 % 7 > 3 ? "a" : "b"),\(["north", "south"][$0 % 2]),caf\u{E9} \($0 / 4)\n" }
        let table = try folder.write("id,x,y,label,who,person\n" + rows.joined(), to: "table.csv")
        try program.json(
            "init", "--data", "csv:\(table)", "--id-column", "id", "--label-column", "label", "--group-column", "who", "--person-column", "person", "--model", "logistic",
            "--blocks", "4", "--assignment-seed", "1")
        try program.json("train")
    }

    private func certificate(_ request: String) throws -> String {
        let path = folder.file("\(request).json")
        _ = try program.json("certificate", request, "--out", path)
        return path
    }

    private func openings(_ request: String, of names: String) throws -> [String: String] {
        let told = try program.json(["opening", request, "--ids", "-"], input: names)
        return Dictionary(uniqueKeysWithValues: try #require(told["openings"] as? [[String: String]]).map { ($0["id"]!, $0["opening"]!) })
    }

    @Test("With its opening a name is found in the certificate, and with another's it is not", arguments: ["ids", "persons", "group"])
    func openings(way: String) throws {
        let names: [String]
        switch way {
        case "ids":
            names = ["row-1", "row-2"]
            _ = try program.json(["delete", "--ids", "-", "--yes"], input: names.joined(separator: "\n"))
        case "persons":
            // Spelled in two scalars.
            names = ["caf\u{E9} 3", "caf\u{E9} 5"]
            _ = try program.json(["delete", "--persons", "-", "--yes"], input: "cafe\u{301} 3\ncaf\u{E9} 5\n")
        default:
            names = ["south"]
            _ = try program.json("delete", "--group", "south", "--yes")
        }
        let path = try certificate("R1"), openings = try openings("R1", of: names.joined(separator: "\n")), key = folder.file("project/signing-key.pem")
        #expect(openings.count == names.count && Set(openings.values).count == names.count)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        // What the terminal shows can be copied: the last word of a line.
        let shown = try program.run(["opening", "R1", "--ids", "-"], input: names.joined(separator: "\n")).output.split(separator: "\n").map { $0.split(separator: " ").last.map(String.init) }
        #expect(shown == names.map { openings[$0] })
        #expect(!names.contains { text.contains($0) } && !openings.values.contains { text.contains($0) })
        for name in names {
            let verified = try Program().run("verify-certificate", path, "--public-key", key, "--id", name, "--opening", openings[name]!)
            #expect(verified.status == 0 && verified.output.contains("it speaks of '\(name)'"), "\(verified.output)\(verified.errors)")
            let other = try Program().run("verify-certificate", path, "--public-key", key, "--id", "row-150", "--opening", openings[name]!)
            #expect(other.status == 3 && other.errors.contains("does not speak of 'row-150'"), "\(other.errors)")
        }
        if way == "persons" {
            let spelled = try Program().run("verify-certificate", path, "--public-key", key, "--id", "cafe\u{301} 3", "--opening", openings["caf\u{E9} 3"]!)
            #expect(spelled.status == 0, "\(spelled.errors)")
        }
    }

    @Test("An opening is of one request, and none is given for a name that the request did not erase")
    func refused() throws {
        _ = try program.json(["delete", "--ids", "-", "--yes"], input: "row-1\n")
        _ = try program.json(["delete", "--ids", "-", "--yes", "--ignore-missing"], input: "row-1\nrow-2\n")
        let first = try openings("R1", of: "row-1"), path = try certificate("R1"), second = try certificate("R2")
        let other = try program.run(["opening", "R2", "--ids", "-"], input: "row-2\nrow-1\n")
        #expect(other.status == 2 && other.errors.contains("row-1") && other.errors.contains("is no name that rows of R2 were asked for by"), "\(other.errors)")
        let foreign = try Program().run("verify-certificate", second, "--id", "row-1", "--opening", first["row-1"]!)
        #expect(foreign.status == 3, "\(foreign.errors)")
        for (arguments, words) in [(["--id", "row-1"], "go together"), (["--opening", first["row-1"]!], "go together"), (["--id", "row-1", "--opening", "00ff"], "64 hexadecimal digits"),
            (["--id", "row-1", "--opening", first["row-1"]!.uppercased()], "in lower case")] {
            let result = try Program().run(["verify-certificate", path] + arguments)
            #expect(result.status == 2 && result.errors.contains(words) && !result.errors.contains(first["row-1"]!), "\(result.errors)")
        }
        #expect(try program.run(["opening", "R9", "--ids", "-"], input: "row-1\n").errors.contains("no request R9"))
    }
}
