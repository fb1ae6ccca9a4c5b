import Files
import Foundation
import Tensors
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Readers beside a writer")
struct StoreReadersTests {
    /// What readers met, from several threads.
    private final class Outcomes: Sendable {
        private let lock = NSLock()
        nonisolated(unsafe) private var found: [String: Int] = [:]
        nonisolated(unsafe) private var isDone = false
        nonisolated(unsafe) private var changes = 0

        var all: [String: Int] { lock.withLock { found } }
        func note(_ outcome: String) { lock.withLock { found[outcome, default: 0] += 1 } }
        func finish() { lock.withLock { isDone = true } }
        var isFinished: Bool { lock.withLock { isDone } }
        func change() { lock.withLock { changes += 1 } }
        var changesBegun: Int { lock.withLock { changes } }
    }

    /// Opens the project and reads all of it; tells the one version that everything had, or how it ended.
    private static func read(_ path: String, rounds: ClosedRange<UInt64>) -> String {
        do {
            let store = try Store(opening: path, .read), links = try store.links()
            let influence = try store.influence(links[1], latticeBits: SampleProject.bits, count: SampleProject.parameters)
            guard try store.setting("recipe") == "{}", try store.groupNames() == SampleProject.groups else { return "another setting" }
            guard try store.influence(of: 1) == SampleProject.record(.influence, 1).vector else { return "another influence 1" }
            guard try store.rowsRecord(.train, 3) == SampleProject.rows(.train, 3) else { return "other rows" }
            return rounds.contains { influence == SampleProject.record(.influence, 2, version: $0).vector } ? "read" : "another influence 2"
        } catch let error as any DescribedError {
            return error.kind == .locked ? "locked" : "\(error)"
        } catch {
            return "\(error)"
        }
    }

    @Test("Readers that open while objects are destroyed read what was written, or are told to come again", arguments: [Encryption.none, .xchacha20poly1305])
    func besideWriter(encryption: Encryption) throws {
        let project = try SampleProject(encryption: encryption), path = project.path
        let outcomes = Outcomes(), rounds: ClosedRange<UInt64> = 0...40
        DispatchQueue.concurrentPerform(iterations: 3) { thread in
            guard thread == 0 else {
                var seen = -1
                // A few times for each change, and then not before the next: readers that come again and again would hold the
                // writer up for as long as the machine is busy.
                while !outcomes.isFinished {
                    let begun = outcomes.changesBegun
                    if begun == seen { usleep(100) } else { for _ in 0..<3 { outcomes.note(Self.read(path, rounds: rounds)) } }
                    seen = begun
                }
                // With nobody writing, each reads all.
                return outcomes.note(Self.read(path, rounds: rounds))
            }
            defer { outcomes.finish() }
            do {
                let store = try takingLock { try Store(opening: path, .write) }
                for version in rounds.dropFirst() {
                    outcomes.change()
                    try store.transaction { change in
                        try change.setInfluence(store.stage(SampleProject.record(.influence, 2, version: version)), baseIsExact: true)
                    }
                }
            } catch {
                outcomes.note("writer: \(error)")
            }
        }
        #expect(Set(outcomes.all.keys).subtracting(["read", "locked"]) == [])
        #expect(outcomes.all["read"] ?? 0 >= 2)
        #expect(try project.reader().influence(of: 2) == SampleProject.record(.influence, 2, version: 40).vector)
    }

    @Test("A reader's chain never mixes records from before and after a change that is not yet closed")
    func noMixture() throws {
        let project = try SampleProject()
        let store = try project.writer(), reader = try project.reader(), links = try reader.links()
        // Published, and the old records not yet destroyed: both are there, and the old keyring still opens them all.
        try store.commit { change in
            for block in 1...3 { try change.setInfluence(store.stage(SampleProject.record(.influence, block, version: 1)), baseIsExact: false) }
            try change.setKeyframe(store.stage(SampleProject.record(.keyframe, 2, version: 1)))
        }
        let (bits, count) = (SampleProject.bits, SampleProject.parameters)
        #expect(try reader.influence(links[2], latticeBits: bits, count: count) == SampleProject.record(.influence, 3).vector)
        #expect(try reader.keyframe(links[1], latticeBits: bits, count: count) == SampleProject.record(.keyframe, 2).vector)
        #expect(try reader.keyframe(links[0], latticeBits: bits, count: count) == nil)
        try store.destroyCondemned()
        let error = #expect(throws: Failure.self) { _ = try reader.keyframe(links[1], latticeBits: bits, count: count) }
        #expect(error?.kind == .locked)
        #expect(try project.reader().keyframe(of: 2) == SampleProject.record(.keyframe, 2, version: 1).vector)
    }
}
