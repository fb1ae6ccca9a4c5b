import Checkpoints
import Files
import Foundation
import Tensors
import TestSupport
import Testing
import Training

@testable import Unlearn

@Suite("Projects")
struct ProjectTests {
    @Test("Exact deletion leaves the bits of training without the rows, with one thread and with two", arguments: [1, 2])
    func exactEqualsNaive(threads: Int) throws {
        let project = try SmallProject()
        try project.train(threads: threads)
        let ids = Array(try project.ids(inBlock: 12).prefix(3))
        let report = try project.delete(ids, threads: threads) { $0.replay.method = .exact }
        let naive = try SmallProject(excluding: ids)
        let trained = try naive.train()
        #expect(report.stateDigest == trained.stateDigest)
        #expect(report.exact && report.method == .exact && report.blocksRetrained == 19)
        #expect(try project.open(.read).status().exact)
        #expect(try naive.open(.read).status().stateDigest == report.stateDigest)
        #expect(try project.open(.read).store.rowCount(.train, deleted: true) == 3)
    }

    @Test("After stitched deletions in several blocks, an exact one gives the bits of naive retraining again")
    func stitchThenExact() throws {
        let project = try SmallProject()
        try project.train()
        let first = try project.ids(inBlock: 5)[0], second = try project.ids(inBlock: 9)[1], third = try project.ids(inBlock: 20)[2]
        let unguarded = { (options: inout DeletionOptions) in
            options.replay.onNoDecay = .stitch
            options.replay.decayGuard.epsilon = 1e9
        }
        let one = try project.delete([first], unguarded)
        #expect(one.method == .stitch && !one.exact && one.blocksRetrained == 9)
        let two = try project.delete([second], unguarded)
        #expect(two.stateDigestBefore == one.stateDigest, "a second deletion starts from the first one's chain")
        var status = try project.open(.read).status()
        #expect(!status.exact && status.requests == 2 && status.stateDigest == two.stateDigest)
        let three = try project.delete([third]) { $0.replay.method = .exact }
        status = try project.open(.read).status()
        #expect(status.exact && status.firstInexactBlock == nil)
        #expect(three.stateDigest == (try SmallProject(excluding: [first, second, third]).train().stateDigest))
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    @Test("A deletion destroys the rows' bytes and every superseded file")
    func destroys() throws {
        let project = try SmallProject()
        try project.train()
        let before = Set(try FileSystem.names(in: project.path + "/objects"))
        let report = try project.delete([try project.ids(inBlock: 7)[3]]) { $0.replay.method = .exact }
        let after = Set(try FileSystem.names(in: project.path + "/objects"))
        #expect(before.subtracting(after).count == 1 + 24 + 6, "one block of rows, influences 7 to 30, keyframes 8 to 28")
        #expect(report.erased.rows == 1 && report.erased.checkpoints == 30)
        let erasedBytes = try #require(report.erased.bytes)
        #expect(erasedBytes > 24 * 100)
    }

    @Test("A dry run reports what would happen and changes no file")
    func dryRun() throws {
        let project = try SmallProject()
        try project.train()
        let ids = [try project.ids(inBlock: 4)[0]]
        let before = try contents(project.path)
        let dry = try project.delete(ids) { $0.dryRun = true }
        #expect(try contents(project.path) == before)
        let real = try project.delete(ids)
        #expect(dry.stateDigest == real.stateDigest && dry.dryRun && !real.dryRun && dry.erased.rows == 0)
    }

    private func contents(_ folder: String) throws -> [String: Data] {
        var all: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where name != "unlearn.lock" && !name.hasSuffix("-shm") {
            all[name] = FileManager.default.contents(atPath: folder + "/" + name)
        }
        return all
    }

    @Test("Test rows are deleted without retraining; rows and test rows can go together")
    func testRows() throws {
        let project = try SmallProject()
        let trained = try project.train()
        let report = try project.delete(["test:3", "test:150"])
        #expect(report.testRowsDeleted == 2 && report.blocksRetrained == 0 && report.stateDigest == trained.stateDigest)
        #expect(try project.open(.read).status().testRowsLive == 198)
        let both = try project.delete(["test:4", try project.ids(inBlock: 28)[0]])
        #expect(both.rowsDeleted == 2 && both.testRowsDeleted == 1 && both.blocksTouched == [28])
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    @Test("Deleting before or between trainings equals leaving the rows out from the start")
    func deleteBeforeTraining() throws {
        let project = try SmallProject()
        let ids = [try project.ids(inBlock: 2)[0]]
        let report = try project.delete(ids)
        #expect(report.stateDigest == nil && report.blocksTotal == 0)
        let digest = try project.train().stateDigest
        #expect(try digest == SmallProject(excluding: ids).train().stateDigest)
    }

    @Test("A table of rows that names other people's places deletes nobody", arguments: [
        // Each surely another cell than before, whatever the keys drew.
        "cell = (SELECT other.cell FROM rows other WHERE other.id <> rows.id LIMIT 1)", "cell = zeroblob(57)",
        "cell = substr(cell, 1, 56) || CASE substr(cell, 57) WHEN x'00' THEN x'01' ELSE x'00' END",
    ])
    func swappedRows(change: String) throws {
        let project = try SmallProject()
        try project.train()
        let id = try project.ids(inBlock: 28)[0]
        try TestPrograms.runPython(
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()", project.path + "/catalogue.sqlite", "UPDATE rows SET \(change)")
        let isForged = { (error: any Error) in (error as? Failure)?.kind == .damaged && "\(error)".contains("the table of rows was changed") }
        // Whatever deletes rows, and what answers from the table alone. Training asks it nothing.
        #expect { try project.delete([id]) } throws: { isForged($0) }
        #expect { try RowPlaces(of: SmallProject.ids([id]), in: Store(opening: project.path, .read)) } throws: { isForged($0) }
        let dry = try project.open(.read)
        #expect { try dry.livePlaces(SmallProject.ids([id])) } throws: { isForged($0) }
    }

    @Test("Unknown and deleted ids stop a deletion before anything changes")
    func wrongIDs() throws {
        let project = try SmallProject()
        try project.train()
        let id = try project.ids(inBlock: 30)[0]
        try project.delete([id])
        let before = try contents(project.path)
        #expect { try project.delete([id]) } throws: { "\($0)" == "list: '\(id)' (line 1) is deleted already (R1); correct the list or use --ignore-missing" }
        #expect { try project.delete(["nobody"]) } throws: { "\($0)" == "list: 'nobody' (line 1) is not in the project; correct the list or use --ignore-unknown" }
        #expect { try project.delete(["nobody"]) { $0.ignoreMissing = true } } throws: { ($0 as? Failure)?.kind == .input }
        #expect(try contents(project.path) == before)
    }

    @Test("The audit knows exact replay, doing nothing, and a model that was kept")
    func audit() throws {
        let project = try SmallProject()
        try project.train()
        let kept = project.folder.file("before.safetensors")
        let opened = try project.open(.read)
        _ = try opened.export(opened.model(), to: kept)
        let before = try opened.model()
        #expect(try opened.state(exportedTo: kept) == before)
        let ids = Array(try project.ids(inBlock: 6).prefix(8))
        try project.delete(ids) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        func audit(_ before: LatticeVector?) throws -> AuditReport { try self.audit(project, nil, before: before) }
        let sampled = try audit(nil), exact = try audit(before)
        #expect(sampled.exactDigest == (try SmallProject(excluding: ids).train().stateDigest), "the audit's target is naive retraining")
        let error = try #require(sampled.l1NothingStandardError), estimate = try #require(sampled.l1NothingToExact)
        #expect(exact.l1NothingStandardError == 0 && error > 0)
        #expect(abs(estimate - (try #require(exact.l1NothingToExact))) < 5 * error)
        #expect(sampled.agreementNothingVsExact == exact.agreementNothingVsExact && sampled.accuracy.nothing == exact.accuracy.nothing)
        let current = try project.open(.read).model()
        #expect { try audit(current) } throws: { ($0 as? Failure)?.kind == .input }
        let distance = try #require(sampled.l1ToExact)
        #expect(distance > 0)
        #expect(sampled.verdict == (distance < estimate ? .nearer : .noBetter))
        try project.delete([try project.ids(inBlock: 1)[0]]) { $0.replay.method = .exact }
        #expect(try audit(nil).verdict == .exact)
    }

    @Test("Any state of the chain can be read, with keyframes and without")
    func randomAccess() throws {
        let project = try SmallProject()
        try project.train()
        let opened = try project.open(.read)
        #expect(try opened.store.links().filter(\.hasKeyframe).map(\.block) == [4, 8, 12, 16, 20, 24, 28])
        var state = try opened.trainer.initialState()
        for block in 1...30 {
            state = try opened.trainer.train(block: block, from: state, rows: opened.trainingRows(block: block), control: TrainingControl())
            #expect(try opened.lineage().state(block) == state, "state \(block)")
        }
    }

    @Test("After any order of stitched and exact deletions the store adds up to the state that was reported", arguments: [3, 4, 5, 8])
    func storeAddsUp(first: Int) throws {
        let project = try SmallProject()
        try project.train()
        let deletions: [(block: Int, method: UnlearningMethod)] = [(first, .stitch), (20, .exact), (first + 1, .stitch), (first + 10, .stitch), (2, .exact)]
        for (block, method) in deletions {
            let report = try project.delete([try project.ids(inBlock: block)[0]]) {
                $0.replay.method = method
                $0.replay.onNoDecay = .stitch
                $0.replay.decayGuard.epsilon = 1e9
                $0.replay.damping = .fixed(0.4)
            }
            let status = try project.open(.read).status()
            #expect(status.stateDigest == report.stateDigest && status.exact == (method == .exact), "block \(block), \(method)")
            #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
        }
    }

    @Test("A stitch that does nothing is found out by the audit")
    func doingNothing() throws {
        let project = try SmallProject()
        try project.train()
        let report = try project.delete([try project.ids(inBlock: 6)[0]]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
            $0.replay.damping = .fixed(0)
        }
        #expect(report.stateDigest == report.stateDigestBefore)
        let audit = try project.open(.read).audit(request: 1, before: nil, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
        #expect(audit.verdict == .noBetter && !audit.passes)
    }

    @Test("A deletion between two trainings cannot be audited against a longer chain")
    func auditOfAPartialChain() throws {
        let project = try SmallProject()
        let stop = StopAfter(calls: 20)
        #expect(throws: Failure.interrupted) {
            try project.open().train(allowingOtherNumerics: false, control: TrainingControl { stop.isDue() }) { _, _ in }
        }
        let trained = try project.open(.read).lineage().trainedBlocks
        #expect(trained > 0 && trained < 30)
        try project.delete([try project.ids(inBlock: 1)[0]]) { $0.replay.method = .exact }
        try project.train()
        #expect { try project.open(.read).audit(request: 1, before: nil, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in } } throws: {
            "\($0)".contains("was done after \(trained) blocks, and 30 are trained now")
        }
    }

    @Test("A deletion destroys the samples that earlier ones left, whatever it deletes", arguments: [true, false])
    func earlierEvidence(trainingRow: Bool) throws {
        let project = try SmallProject()
        try project.train()
        let before = try project.open(.read).model()
        try project.delete([try project.ids(inBlock: 5)[0]]) {
            $0.replay.onNoDecay = .stitch
            $0.replay.decayGuard.epsilon = 1e9
        }
        let sample = try #require(try project.open(.read).store.objects().first { $0.kind == .evidence })
        #expect(try audit(project, 1).l1NothingToExact ?? 0 > 0)
        try project.delete([trainingRow ? try project.ids(inBlock: 29)[0] : "test:7"])
        let store = try project.open(.read).store
        #expect(try store.destroyedObjects(by: 2).map(\.digest).contains(sample.digest))
        #expect(!FileSystem.exists(store.path(of: sample)))
        // A deletion that retrained nothing leaves no sample of its own.
        #expect(try store.objects().filter { $0.kind == .evidence }.map(\.block) == (trainingRow ? [2] : []))
        #expect { try audit(project, 1) } throws: { ($0 as? Failure)?.kind == .input && "\($0)".contains("a later deletion or replay destroyed what R1 is compared with") }
        let other = try project.open(.read).model()
        #expect { try audit(project, 1, before: other) } throws: { "\($0)".contains("the given model is not the one before R1") }
        #expect(try audit(project, 1, before: before).laterRequests == 1)
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    private func audit(_ project: SmallProject, _ number: Int?, before: LatticeVector? = nil) throws -> AuditReport {
        try project.open(.read).audit(request: number, before: before, allowingOtherNumerics: false, control: TrainingControl()) { _, _ in }
    }

    @Test("A deletion that retrained nothing is audited without any comparison, in the ledger too", arguments: [true, false])
    func auditWithoutInfluence(trained: Bool) throws {
        let project = try SmallProject()
        if trained { try project.train() }
        try project.delete([trained ? "test:3" : try project.ids(inBlock: 2)[0]])
        let report = try audit(project, nil)
        #expect(report.verdict == .noInfluence && report.passes && report.agreementExact == nil && report.blocksReplayed == 0)
        #expect(try report.stateDigest == project.open(.read).status().stateDigest)
        try project.open(.read).record(report)
        let entry = try #require(try project.open(.read).store.ledger().last?.entry), figures = try #require(entry["figures"])
        #expect(entry.details?["verdict"] == .string("no-influence"))
        #expect(figures["verdict"] == .string("no-influence") && figures["l1_to_exact"] == .null && figures["accuracy"]?["current"] == .null)
    }

    @Test("After stitches, --method exact takes ids that are deleted already and replays the chain, as a request of its own")
    func replayForDeletedRows() throws {
        let project = try SmallProject()
        try project.train()
        let first = try project.ids(inBlock: 5)[0], second = try project.ids(inBlock: 9)[1]
        for id in [first, second] {
            try project.delete([id]) {
                $0.replay.onNoDecay = .stitch
                $0.replay.decayGuard.epsilon = 1e9
                $0.replay.damping = .fixed(0.5)
            }
        }
        #expect(try !project.open(.read).status().exact)
        #expect { try project.delete([first]) } throws: { "\($0)".contains("is deleted already") }
        #expect { try project.delete([first, "nobody"]) { $0.replay.method = .exact } } throws: { "\($0)".contains("'nobody' (line 2) is not in the project") }
        let exact = { (options: inout DeletionOptions) in options.replay.method = .exact }
        let dry = try project.delete([first]) { exact(&$0); $0.dryRun = true }
        let report = try project.delete([first], exact)
        #expect(report.stateDigest == dry.stateDigest && report.request == "R3")
        #expect(report.rowsDeleted == 0 && report.rowsDeletedBefore == 1 && report.blocksTouched == [] && report.exact && report.method == .exact)
        #expect(report.stateDigest == (try SmallProject(excluding: [first, second]).train().stateDigest))
        #expect(try project.open(.read).status().exact)
        #expect(try project.open(.read).store.objects().allSatisfy { $0.kind != .correction })
        let audited = try audit(project, 3)
        #expect(audited.verdict == .exact && audited.blocksReplayed == report.blocksRetrained && audited.exactDigest == report.stateDigest)
        let requested = try #require(try project.open(.read).store.ledger().first { $0.entry.request == "R3" }?.entry)
        #expect(try requested.rows == [] && requested.details?["deleted_before"] == .array([.string(project.open(.read).store.rowDigest(first))]))
        let certificate = try ErasureCertificate.verify(ErasureCertificate.issue(3, of: project.open(.read).store), path: "F", key: nil)
        #expect(certificate.rowsErased == 0 && certificate.rowsErasedBefore == 1 && certificate.hadInfluence)
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
        // The chain is exact: nothing is left to do for a deleted row.
        #expect { try project.delete([first], exact) } throws: { "\($0)" == "list: '\(first)' (line 1) is deleted already (R1); correct the list or use --ignore-missing" }
    }

    // Ends its process, so that this test has one of its own.
    @Test("Training that is killed right behind a commit has lost no block of it, and goes on from there")
    func killedBehindCommit() throws {
        let project = try SmallProject(), path = project.path
        try inOwnProcess(path, endedBy: SIGKILL) { path in
            let project = try Project(opening: path, .write, threads: 1)
            _ = try project.train(allowingOtherNumerics: false, control: TrainingControl()) { trained, _ in
                // Longer than commits are spaced by: the seventh block is committed when it is done, and the next is not begun.
                if trained == 6 { usleep(600_000) }
                if trained == 7 { kill(getpid(), SIGKILL) }
            }
        }
        #expect(try project.open(.read).lineage().trainedBlocks == 7)
        #expect(try project.train().stateDigest == (try SmallProject().train().stateDigest))
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    @Test("A failed deletion leaves no objects behind and is on record as undone")
    func failedDeletion() throws {
        let project = try SmallProject()
        try project.train()
        let before = try contents(project.path + "/objects")
        let stop = StopAfter(calls: 6)
        #expect(throws: Failure.interruptedUnchanged) {
            try project.open().delete(
                SmallProject.ids([try project.ids(inBlock: 3)[0]]), options: DeletionOptions(), control: TrainingControl { stop.isDue() }
            ) { _, _ in }
        }
        #expect(try contents(project.path + "/objects") == before)
        let opened = try project.open(.read)
        #expect(try opened.status().requests == 0 && opened.store.requests().map(\.state) == [.undone])
        #expect(try LogReport(of: opened.store, request: 1).requests[0].reason == "interrupted")
        #expect(try opened.check(readData: true) { _, _ in }.errors == [])
        #expect(try project.delete([try project.ids(inBlock: 3)[0]]).request == "R2")
    }

    @Test("Clearing up after an error that came behind the commit keeps what was committed")
    func errorBehindCommit() throws {
        let project = try SmallProject()
        try project.train()
        let objects = project.path + "/objects"
        let old = try project.file(.influence, 30)
        do {
            let opened = try project.open()
            let staged = try opened.store.stage(
                LatticeRecord(kind: .influence, block: 30, latticeBits: 18, vector: try opened.lineage().influence(29)))
            // A folder in its place keeps the superseded file from being removed.
            try FileSystem.remove(objects + "/" + old)
            try FileSystem.makeFolder(objects + "/" + old)
            #expect { try opened.store.transaction { change in try change.setInfluence(staged, baseIsExact: true) } } throws: {
                "\($0)".contains("the change is made")
            }
            try opened.store.discard([staged])
            let abandoned = try opened.store.stage(.influence, block: 30, [1])
            try opened.store.discard([abandoned])
            #expect(try opened.store.strayFiles() == [])
        }
        try FileSystem.removeTree(objects + "/" + old)
        let reopened = try project.open()
        #expect(try reopened.lineage().influence(30) == reopened.lineage().influence(29))
    }

    @Test("Superseded files that are still there are a fault; files of an unfinished change are not")
    func remains() throws {
        let project = try SmallProject()
        try project.train()
        let objects = project.path + "/objects"
        _ = try project.open().store.stage(.influence, block: 3, [1, 2, 3])
        var check = try project.open(.read).check(readData: true) { _, _ in }
        #expect(check.errors == [] && check.strayFiles.count == 1)
        let old = try project.file(.influence, 30)
        let bytes = try #require(FileManager.default.contents(atPath: objects + "/" + old))
        try project.delete([try project.ids(inBlock: 30)[0]])
        #expect(!FileSystem.exists(objects + "/" + old))
        try bytes.write(to: URL(fileURLWithPath: objects + "/" + old))
        check = try project.open(.read).check(readData: true) { _, _ in }
        #expect(check.strayFiles == [] && check.errors.count == 1 && check.errors[0].contains("/\(old): R1 destroyed this object, and it lies there again"))
        // The next command that writes destroys it again, and the ledger says so.
        let ledger = try project.open().store.ledger()
        #expect(ledger.last?.entry.event == .erasedAgain && ledger.last?.entry.details?["requests"] == .array([.string("R1")]))
        #expect(!FileSystem.exists(objects + "/" + old))
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    @Test("The sampled distance is unbiased and its error is the one it states")
    func evidenceSample() throws {
        var random = SeededGenerator(3)
        let a = LatticeVector(random.integers(20_000, in: -1000...1000)), b = LatticeVector(random.integers(20_000, in: -1000...1000))
        let truth = Double(a.l1Distance(to: b))
        var misses: [Double] = []
        for seed in 0..<200 as Range<UInt64> {
            let sample = EvidenceSample(parameterCount: 20_000, seed: seed)
            #expect(sample.indices.count == 5000 && Set(sample.indices).count == 5000)
            let found = sample.distance(sample.steps(of: a), to: b)
            misses.append((found.estimate - truth) / found.standardError)
        }
        let mean = misses.reduce(0, +) / 200, spread = (misses.reduce(0) { $0 + $1 * $1 } / 200).squareRoot()
        #expect(abs(mean) < 3 / 200.0.squareRoot() * 1.2, "mean miss \(mean) standard errors")
        #expect(spread > 0.8 && spread < 1.2, "spread \(spread) standard errors")
    }

    @Test("Other numerics are refused as exact, explained, and allowed as approximate")
    func otherNumerics() throws {
        let project = try SmallProject()
        try project.train()
        let here: String
        do {
            // As if another arithmetic had trained it.
            let opened = try project.open()
            var settings = opened.settings
            here = try #require(opened.trainer.fingerprint["arithmetic"])
            settings.fingerprint = NumericsFingerprint(try opened.trainer.fingerprint.facts.merging(["arithmetic": "0"]) { $1 })
            try opened.store.transaction { change in try settings.save(in: change) }
        }
        #expect(try project.open(.read).status().fingerprintDifference == "arithmetic is '\(here)' here and was '0'")
        let id = try project.ids(inBlock: 20)[0]
        let refused = #expect(throws: Failure.self) { try project.delete([id]) { $0.replay.method = .exact } }
        #expect(refused?.kind == .refused && refused?.description.contains("--approximate") == true)
        let report = try project.delete([id]) {
            $0.replay.method = .exact
            $0.approximate = true
        }
        #expect(!report.exact)
        #expect(try !project.open(.read).status().exact)
    }
}
