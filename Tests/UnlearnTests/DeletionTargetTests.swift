import Checkpoints
import Files
import Foundation
import Testing
import Training

@testable import Unlearn
@testable import unlearn_cli

@Suite("What a deletion is asked for")
struct DeletionTargetTests {
    private func text(_ result: DeletionResult) -> String { DeletionText.describe(result, folder: "p") }

    @Test("Unknown ids, rows deleted before, rows left out at the start and repeated ids are told apart, in a message, in text and in JSON")
    func kinds() throws {
        let project = try SmallProject(excluding: ["17"])
        try project.train()
        let (gone, live) = (try project.ids(inBlock: 30)[0], try project.ids(inBlock: 30)[1])
        let first = try project.delete([gone])
        let ids = ["nobody", gone, live, "17", live, gone, gone]
        #expect { try project.delete(ids) } throws: {
            "\($0)" == "list: 'nobody' (line 1) is not in the project, and each of '\(gone)' (line 2), '17' (line 4) is deleted already "
                + "(R1 and left out when the project was made); correct the list or use --ignore-unknown and --ignore-missing"
        }
        #expect { try project.delete(ids) { $0.ignoreMissing = true } } throws: { "\($0)" == "list: 'nobody' (line 1) is not in the project; correct the list or use --ignore-unknown" }
        #expect { try project.delete(ids) { $0.ignoreUnknown = true } } throws: { "\($0)".hasSuffix("; correct the list or use --ignore-missing") }
        let result = try project.delete(ids) { ($0.ignoreMissing, $0.ignoreUnknown) = (true, true) }
        #expect(result.request == "R2" && result.rowsDeleted == 1 && result.list.notFound == ["nobody"] && result.list.repeated == [live, gone])
        #expect(result.list.deletedBefore.map(\.id) == [gone, "17"] && result.list.deletedBefore.map(\.request) == ["R1", nil])
        #expect(result.list.deletedBefore[0].time == first.time && result.list.deletedBefore[1].time == nil)
        let said = text(result)
        #expect(said.contains("\n2 rows were deleted before (1: R1, \(first.time); 1: left out when the project was made)\n"), "\(said)")
        #expect(said.contains("\n1 id not in the project, skipped: 'nobody'\n2 ids listed more than once, counted once: '\(live)', '\(gone)'"), "\(said)")
        let json = try JSONValue(result)
        #expect(json["not_found"] == .array([.string("nobody")]) && json["repeated"] == .array([.string(live), .string(gone)]))
        #expect(
            json["deleted_before"] == .array([
                .object(["id": .string(gone), "request": .string("R1"), "time": .string(first.time)]), .object(["id": .string("17"), "request": .null, "time": .null]),
            ]))
        #expect(json["request"] == .string("R2") && json["finished"] == .array([]))
        // What only the caller may know is in no file.
        let store = try project.open(.read).store
        let kept = try store.requests().map(\.report).joined() + store.ledger().map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
        #expect(!kept.contains("nobody") && !kept.contains("not_found") && !kept.contains("\"\(live)\""))
    }

    @Test("Where nothing is left to do, nothing is done, and that is no error for those who say so")
    func nothingLeft() throws {
        let project = try SmallProject(excluding: ["17"])
        try project.train()
        let id = try project.ids(inBlock: 30)[0]
        let first = try project.delete([id])
        let before = try contents(project.path)
        let again = try project.delete([id]) { $0.ignoreMissing = true }
        #expect(again.didNothing && again.request == nil && again.stateDigest == first.stateDigest && again.exact)
        #expect(text(again) == "1 row was deleted before (R1, \(first.time))\nnothing is left to do; the chain is exact")
        let leftOut = try project.delete(["17"]) { $0.ignoreMissing = true }
        #expect(text(leftOut).hasPrefix("1 row was left out when the project was made\n"))
        let unknown = try project.delete(["nobody", "somebody"]) { $0.ignoreUnknown = true }
        #expect(text(unknown).hasPrefix("2 ids not in the project, skipped: 'nobody', 'somebody'\nnothing is left to do"))
        #expect(try contents(project.path) == before && project.open(.read).store.requests().count == 1)
    }

    private func contents(_ folder: String) throws -> [String: Data] {
        var all: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where name != "unlearn.lock" && !name.hasSuffix("-shm") {
            all[name] = FileManager.default.contents(atPath: folder + "/" + name)
        }
        return all
    }

    @Test("A command that finishes an interrupted request for the same rows is done; repeated once more, they were deleted before", arguments: [false, true])
    func interrupted(ignoring: Bool) throws {
        let project = try SmallProject()
        try project.train()
        try project.delete([try project.ids(inBlock: 5)[0]]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        let id = try project.ids(inBlock: 29)[0], objects = project.path + "/objects"
        let old = try project.file(.evidence, 1)
        do {
            let opened = try project.open()
            // A folder in its place keeps the superseded file from being removed: the request is published and cannot be closed.
            try FileSystem.remove(objects + "/" + old)
            try FileSystem.makeFolder(objects + "/" + old)
            #expect(throws: (any Error).self) { try opened.delete(SmallProject.ids([id]), options: DeletionOptions(), control: TrainingControl()) { _, _ in } }
        }
        #expect(try project.open(.read).store.requests().map(\.state) == [.closed, .published])
        try FileSystem.removeTree(objects + "/" + old)
        let result = try project.delete([id]) { $0.ignoreMissing = ignoring }
        #expect(result.request == "R2" && result.finished == ["R2"] && result.rowsDeleted == 1 && result.list.deletedBefore.map(\.request) == ["R2"])
        #expect(text(result).hasPrefix("R2: forgotten: 1 row deleted from block 29\n"))
        #expect(try project.open(.read).store.requests().map(\.state) == [.closed, .closed])
        #expect { try project.delete([id]) } throws: { "\($0)".contains("is deleted already (R2)") }
        #expect(try project.delete([id]) { $0.ignoreMissing = true }.didNothing)
    }

    @Test("Without rows, an exact deletion replays what stitches left, and does nothing where the chain is exact")
    func chainAlone() throws {
        let project = try SmallProject()
        try project.train()
        let id = try project.ids(inBlock: 5)[0]
        let exact = { (options: inout DeletionOptions) in options.replay.method = .exact }
        #expect(try text(project.delete(.chain, exact)) == "the model is exact already; nothing was changed")
        try project.delete([id]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        #expect(try !project.open(.read).status().exact)
        let result = try project.delete(.chain, exact)
        #expect(result.request == "R2" && result.exact && result.rowsDeleted == 0 && result.method == .exact && result.exactBefore == false)
        #expect(result.stateDigest == (try SmallProject(excluding: [id]).train().stateDigest))
        #expect(text(result).hasPrefix("R2: exact again: no row deleted; earlier stitches are replayed\nreplayed "))
        let verified = try ErasureCertificate.verify(ErasureCertificate.issue(2, of: project.open(.read).store), path: "F", key: nil)
        #expect(verified.rowsErased == 0 && verified.hadInfluence && verified.method == "exact")
        #expect(try project.delete(.chain, exact).didNothing)
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    @Test("A provider's rows are found and deleted by its name; a name that no row has suggests the nearest")
    func groups() throws {
        let groups = Dictionary(uniqueKeysWithValues: (0..<600).map { ("\($0)", $0 % 50 == 3 ? "north" : "south") })
        let project = try SmallProject(groups: groups)
        try project.train()
        let expected = (0..<600).filter { $0 % 50 == 3 }.map(String.init)
        let found = try RowPlaces(ofGroup: "north", in: project.open(.read))
        #expect(Set(found.rows.map(\.id)) == Set(expected) && found.rows.allSatisfy { $0.group == "north" && !$0.deleted })
        let listed = try RowPlaces(of: SmallProject.ids(found.rows.map(\.id)), in: project.open(.read).store)
        #expect(listed.rows.map(\.slot) == found.rows.map(\.slot) && listed.rows.map(\.block) == found.rows.map(\.block))
        let message = "no live row has the group 'nort'; did you mean 'north'? (a provider whose rows are all deleted is named nowhere any more)"
        #expect { try RowPlaces(ofGroup: "nort", in: project.open(.read)) } throws: { "\($0)" == message && ($0 as? any DescribedError)?.kind == .input }
        // A provider of another number is another provider, and 007 may be 7 with zeros that a spreadsheet took away.
        let numbered = try SmallProject(groups: Dictionary(uniqueKeysWithValues: (0..<600).map { ("\($0)", $0 % 2 == 0 ? "shop04" : "7") }))
        #expect { try RowPlaces(ofGroup: "shop03", in: numbered.open(.read)) } throws: { !"\($0)".contains("did you mean") }
        #expect { try RowPlaces(ofGroup: "shap04", in: numbered.open(.read)) } throws: { "\($0)".contains("did you mean 'shop04'?") }
        #expect { try RowPlaces(ofGroup: "007", in: numbered.open(.read)) } throws: { "\($0)".contains("did you mean '7'?") }
        #expect { try project.delete(.group("nort")) } throws: { "\($0)" == message + "; correct the name or use --ignore-unknown" }
        let result = try project.delete(.group("north")) { $0.replay.method = .exact }
        #expect(result.rowsDeleted == expected.count && result.exact)
        #expect(result.stateDigest == (try SmallProject(excluding: expected, groups: groups).train().stateDigest))
        #expect(try project.open(.read).store.groupNames().contains("north") == false)
        #expect(try project.delete(.group("north")) { $0.ignoreUnknown = true }.didNothing)
        #expect { try project.delete(.group("north")) } throws: { ($0 as? any DescribedError)?.kind == .input }
    }

    @Test("where tells who deleted a row and when, and what it knows where some ids are unknown")
    func places() throws {
        let project = try SmallProject(excluding: ["17"])
        let id = try project.ids(inBlock: 30)[0], live = try project.ids(inBlock: 30)[1]
        let report = try project.delete([id])
        let store = try project.open(.read).store
        let places = try RowPlaces(of: SmallProject.ids([live, "nobody", id, "17", id]), in: store)
        #expect(places.rows.map(\.id) == [live, id, "17"] && places.notFound == ["nobody"] && places.repeated == [id])
        #expect(places.rows.map(\.request) == [nil, "R1", nil] && places.rows.map(\.deleted) == [false, true, true])
        #expect(places.rows.map(\.when) == [nil, "R1, \(report.time)", "left out when the project was made"])
        #expect(places.notFoundWords == "list: 'nobody' (line 2) is not in the project")
        let json = try JSONValue(places)
        #expect(json["not_found"] == .array([.string("nobody")]) && json["when"] == nil)
        #expect { try RowPlaces(of: SmallProject.ids(["nobody", "somebody"]), in: store) } throws: {
            "\($0)" == "list: each of 'nobody' (line 1), 'somebody' (line 2) is not in the project; correct the list"
        }
    }
}
