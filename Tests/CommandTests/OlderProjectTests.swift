import Foundation
import ProgramSupport
import TestSupport
import Testing

/// Projects that an older program left, and what it found in them and made of one more deletion. `Fixtures/make_project` made the archives, one
/// for each format of the catalogue, by the program as it was before the format changed; where the format is to change again,
/// it makes the next one first. Nothing here knows which format is the newest.
///
/// Should the arithmetic of training ever change, too, the deletion's state cannot be had again: then the test of it goes, and not the
/// archive, whose projects must be opened and erased from all the same.
@Suite("Projects of older programs", .serialized)
struct OlderProjectTests {
    /// Each archive with each of its projects.
    private static let cases: [(archive: String, name: String)] = {
        guard let folder = Bundle.module.url(forResource: "Fixtures/Projects", withExtension: nil)?.path else { return [] }
        let archives = (try? FileManager.default.contentsOfDirectory(atPath: folder))?.sorted() ?? []
        return archives.flatMap { archive in ["chain", "branches"].map { (folder + "/" + archive, $0) } }
    }()

    /// What is in the archive.
    private struct Unpacked {
        let folder: TemporaryFolder
        let program: Program
        let expected: [String: Any]

        init(_ archive: String, _ name: String) throws {
            folder = try TemporaryFolder()
            let tar = Process()
            tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            // The key's mode matters, and its owner is whoever runs the test.
            tar.arguments = ["tar", "-xzpf", archive, "--no-same-owner", "-C", folder.path]
            try tar.run()
            tar.waitUntilExit()
            try #require(tar.terminationStatus == 0)
            program = Program(folder: folder.file(name))
            let json = try Data(contentsOf: URL(fileURLWithPath: folder.file(name + ".expected.json")))
            expected = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        }

        /// Whether every field that was recorded is still there and says the same; there may be more.
        func isAlike(_ found: [String: Any], _ wanted: [String: Any]) -> Bool {
            wanted.allSatisfy { key, value in
                // A field that was null may be left out.
                value is NSNull ? found[key] == nil || found[key] is NSNull : (found[key] as? NSObject)?.isEqual(value) == true
            }
        }
    }

    @Test("There are such projects")
    func there() { #expect(!Self.cases.isEmpty) }

    @Test("They are looked at without a byte of them being changed, and are what they were", arguments: cases)
    func looked(_ archive: String, _ name: String) throws {
        let project = try Unpacked(archive, name), program = project.program, folder = project.folder
        let before = try contents(of: folder.path)
        var found = try program.json("status")
        let score = try program.json("evaluate")
        found.merge(score.filter { ["accuracy", "loss"].contains($0.key) }) { $1 }
        #expect(project.isAlike(found, project.expected.filter { !["where", "deleted"].contains($0.key) }), "\(found)")
        let rows = try #require(try program.json("where", "--ids", folder.file(name + ".asked"))["rows"] as? [[String: Any]])
        let wanted = try #require(project.expected["where"] as? [[String: Any]])
        #expect(rows.count == wanted.count && zip(rows, wanted).allSatisfy(project.isAlike), "\(rows)")
        #expect(try program.run("log").status == 0)
        #expect(try program.json("check", "--read-data", "--certificate", folder.file(name + "-R2.json"))["errors"] as? [String] == [])
        for request in ["R1", "R2"] {
            let old = folder.file("\(name)-\(request).json"), new = try program.run("certificate", request), key = folder.file(name) + "/signing-key.pem"
            #expect(try Program().run("verify-certificate", old, "--public-key", key).status == 0)
            // Beside the folder, which is to stay as it is.
            let elsewhere = try TemporaryFolder()
            let result = try Program().run("verify-certificate", elsewhere.write(new.output, to: "certificate.json"), "--public-key", key)
            #expect(result.status == 0, "\(new.errors)\(result.errors)")
        }
        #expect(try contents(of: folder.path) == before)
    }

    @Test("A row is deleted from them with the bits that the older program would have left, audited and certified", arguments: cases)
    func deleted(_ archive: String, _ name: String) throws {
        let project = try Unpacked(archive, name), program = project.program, folder = project.folder
        let wanted = try #require(project.expected["deleted"] as? [String: Any])
        let report = try program.json("delete", "--ids", folder.file(name + ".next"), "--method", "exact", "--yes")
        #expect(report["state_digest"] as? String == wanted["state_digest"] as? String && report["blocks_retrained"] as? Int == wanted["blocks_retrained"] as? Int)
        #expect(report["test_accuracy"] as? Double == wanted["accuracy"] as? Double)
        #expect(try program.json("audit")["verdict"] as? String == wanted["verdict"] as? String)
        for request in ["R1", "R2", "R3"] {
            let path = folder.file("new-\(request).json")
            try program.json("certificate", request, "--out", path)
            let verified = try Program().json("verify-certificate", path, "--public-key", folder.file(name) + "/signing-key.pem")
            #expect(verified["request"] as? String == request)
        }
        #expect(try program.json("check", "--read-data", "--certificate", folder.file(name + "-R2.json"))["errors"] as? [String] == [])
        let status = try program.json("status")
        #expect(status["exact"] as? Bool == true && status["state_digest"] as? String == wanted["state_digest"] as? String)
    }
}
