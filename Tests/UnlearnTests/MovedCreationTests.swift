import Checkpoints
import Files
import Foundation
import TestSupport
import Testing
import Training

@testable import Unlearn

@Suite("A folder that is moved while its project is made")
struct MovedCreationTests {
    private struct Stop: Error {}

    /// All files below a folder, by name.
    private static func contents(_ path: String) throws -> [String: Data] {
        try FileManager.default.subpathsOfDirectory(atPath: path).reduce(into: [:]) { $0[$1] = FileManager.default.contents(atPath: path + "/" + $1) }
    }

    @Test("An init that fails then leaves the project that has its path by now as it is, key and all", arguments: [false, true], [false, true])
    func fails(byLink: Bool, isLate: Bool) throws {
        let other = try SmallProject(), place = other.folder
        let path = place.file("new"), moved = place.file("moved")
        let source = IDXSource(images: place.file("images"), labels: place.file("labels"))
        let plan = ProjectPlan(recipe: SmallProject.recipe, blockPolicy: .stratified, source: source, sourceName: "generated", threads: 1)
        let before = try Self.contents(other.path)
        var calls = 0, theirs = other.path
        #expect(throws: Stop.self) {
            _ = try ProjectBuilder(plan, in: path).build { _, _ in
                calls += 1
                if calls == 1 {
                    try FileSystem.rename(path, to: moved)
                    if byLink {
                        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other.path)
                    } else {
                        try FileSystem.rename(other.path, to: path)
                        theirs = path
                    }
                }
                if !isLate || calls == 10 { throw Stop() }
            }
        }
        #expect(calls == (isLate ? 10 : 1))
        #expect(try Self.contents(theirs) == before && before.keys.contains("project.key"))
        #expect(try FileSystem.names(in: moved) == [])
    }

    @Test("An init that fails leaves no folder where there was none, and what somebody put into it meanwhile")
    func leaves() throws {
        let other = try SmallProject(), place = other.folder
        let source = IDXSource(images: place.file("images"), labels: place.file("labels"))
        let plan = ProjectPlan(recipe: SmallProject.recipe, blockPolicy: .stratified, source: source, sourceName: "generated", threads: 1)
        for isJoined in [false, true] {
            let path = place.file("new")
            #expect(throws: Stop.self) {
                _ = try ProjectBuilder(plan, in: path).build { _, _ in
                    if isJoined { try place.write("mine", to: "new/mine") }
                    throw Stop()
                }
            }
            #expect(FileSystem.exists(path) == isJoined)
        }
        #expect(try FileSystem.names(in: place.file("new")) == ["mine"])
    }
}
