import Checkpoints
import Files
import TestSupport
import Testing
import Training

@testable import Unlearn
@testable import Valuation

@Suite("Stored utilities")
struct StoredUtilityTests {
    @Test("Each coalition is evaluated once, also by the run after")
    func once() throws {
        let storage = MemoryStorage(), base = CountingUtility(players: 4), coalitions = Coalition.every(of: 4)
        let utility = try StoredUtility(base, in: storage)
        #expect(try utility.values(of: [coalitions[3], coalitions[5], coalitions[3]]) == [3, 5, 3])
        #expect(try utility.values(of: coalitions) == (0..<16).map(Double.init))
        #expect(base.asked.count == 16 && Set(base.asked).count == 16 && utility.evaluations == 16)
        try utility.flush()
        try utility.flush()
        #expect(storage.saves == 1)
        let next = CountingUtility(players: 4) { _ in throw Failure(.failed, "asked again") }
        let resumed = try StoredUtility(next, in: storage)
        #expect(try resumed.values(of: coalitions) == (0..<16).map(Double.init) && resumed.evaluations == 0)
    }

    @Test("Commits are two seconds apart, and further where they take long")
    func spacing() throws {
        var now = 0.0
        let storage = MemoryStorage()
        // A second an evaluation.
        let base = CountingUtility(players: 6) {
            now += 1
            return Double($0.words[0])
        }
        let utility = try StoredUtility(base, in: storage) { now }
        _ = try utility.values(of: Array(Coalition.every(of: 6)[..<10]))
        #expect(storage.saves == 5 && storage.entries.count == 10)
        storage.onSave = { now += 1 }
        _ = try utility.values(of: Array(Coalition.every(of: 6)))
        // 54 evaluations: one commit takes a second, so that they are 19 seconds apart.
        #expect((3...4).contains(storage.saves - 5))
    }

    @Test("What was known when an error ended the run is stored")
    func errors() throws {
        let storage = MemoryStorage()
        let base = CountingUtility(players: 4) {
            if $0.words[0] == 9 { throw Failure.interrupted }
            return 1
        }
        let utility = try StoredUtility(base, in: storage)
        #expect(throws: Failure.interrupted) { try utility.values(of: Coalition.every(of: 4)) }
        #expect(storage.entries.count == 9)
    }

    @Test("A score that is no number is an error that says what to do")
    func notANumber() throws {
        let utility = try StoredUtility(CountingUtility(players: 3) { _ in .nan }, in: MemoryStorage())
        let error = #expect(throws: Failure.self) { try utility.values(of: [.none(of: 3)]) }
        #expect(error?.kind == .failed && error?.description.contains("lower rate") == true)
    }

    @Test("A project keeps the tables of several runs apart, and a run that goes on finds its own")
    func inProject() throws {
        let project = try ValuationProject(), coalitions = Coalition.every(of: 4), orders = [nil, [4, 3, 2, 1]]
        var values: [[Double]] = []
        for order in orders {
            let trainer = try project.trainer(.groups, .write)
            let utility = try StoredUtility(ExactUtility(trainer, order: order), in: ProjectStorage(trainer.project, Provenance(trainer, utility: .exact, order: order)))
            values.append(try utility.values(of: coalitions))
            #expect(utility.evaluations == 16)
            try utility.flush()
        }
        for (order, values) in zip(orders, values) {
            let trainer = try project.trainer(.groups, .write), exact = try ExactUtility(trainer, order: order)
            let utility = try StoredUtility(exact, in: ProjectStorage(trainer.project, Provenance(trainer, utility: .exact, order: order)))
            #expect(try utility.values(of: coalitions) == values && exact.blocksTrained == 0)
        }
        let store = try project.open(.read).store
        #expect(try store.utilityRuns().map(\.run) == [1, 2] && store.strayFiles().isEmpty)
        #expect(try store.objects().filter { $0.kind == .utilities }.count == 2)
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    @Test("Models that were scored for one metric are not trained again for the other")
    func bothMetrics() throws {
        let project = try ValuationProject(), coalitions = Coalition.every(of: 4)
        for (metric, trains) in zip(Metric.allCases, [true, false]) {
            let expected = try ExactUtility(project.trainer(metric: metric)).values(of: coalitions)
            let trainer = try project.trainer(metric: metric, .write), exact = try ExactUtility(trainer)
            let utility = try StoredUtility(exact, in: ProjectStorage(trainer.project, Provenance(trainer, utility: .exact)))
            #expect(try utility.values(of: coalitions) == expected && (exact.blocksTrained > 0) == trains)
            try utility.flush()
        }
        #expect(try project.open(.read).store.utilityRuns().count == 1)
    }

    @Test("A deletion destroys all tables, says so in the ledger and the certificate, and the next run is another")
    func deletion() throws {
        let project = try ValuationProject()
        func utility() throws -> StoredUtility {
            let trainer = try project.trainer(.groups, .write)
            return try StoredUtility(AdditiveUtility(trainer), in: ProjectStorage(trainer.project, Provenance(trainer, utility: .additive)))
        }
        func evaluate() throws {
            let first = try utility()
            _ = try first.values(of: Coalition.every(of: 4))
            try first.flush()
        }
        try evaluate()
        let old = try #require(try project.open(.read).store.objects().first { $0.kind == .utilities })
        try project.delete(["test:3"])
        let store = try project.open(.read).store
        #expect(try store.utilityRuns().isEmpty && !store.objects().contains { $0.kind == .utilities })
        #expect(!FileSystem.exists(store.path(of: old)))
        #expect(try store.destroyedObjects(by: 1).contains { $0.digest == old.digest && $0.kind == .utilities })
        let claims = try #require(ErasureClaims(store.ledger().map(\.entry).filter { $0.request == "R1" }))
        #expect(claims.checkpointsErased.utilities == 1 && claims.checkpointsErased.evidence == 0)
        let afterwards = try utility()
        _ = try afterwards.values(of: Coalition.every(of: 4))
        #expect(afterwards.evaluations == 16)
        #expect(try project.open(.read).check(readData: true) { _, _ in }.errors == [])
    }

    @Test("An interrupted run's values are in the project")
    func interrupted() throws {
        let project = try ValuationProject(), coalitions = Coalition.every(of: 4)
        do {
            let calls = StopAfter(calls: 25), trainer = try project.trainer(control: TrainingControl { calls.isDue() }, .write)
            let utility = try StoredUtility(ExactUtility(trainer), in: ProjectStorage(trainer.project, Provenance(trainer, utility: .exact)))
            #expect(throws: Failure.interrupted) { try utility.values(of: coalitions) }
        }
        let trainer = try project.trainer(.groups, .write), exact = try ExactUtility(trainer)
        let utility = try StoredUtility(exact, in: ProjectStorage(trainer.project, Provenance(trainer, utility: .exact)))
        #expect(try utility.values(of: coalitions) == ExactUtility(project.trainer()).values(of: coalitions))
        #expect((1..<16).contains(utility.evaluations))
    }

    @Test("The key of a table changes with everything that its scores depend on")
    func keys() throws {
        let project = try ValuationProject(), trainer = try project.trainer()
        let base = try Provenance(trainer, utility: .exact)
        var keys = [try base.key]
        // A table holds the scores by every metric.
        #expect(try Provenance(project.trainer(metric: .accuracy), utility: .exact).key == keys[0])
        keys.append(try Provenance(trainer, utility: .stitch).key)
        keys.append(try Provenance(trainer, utility: .exact, order: [2, 1, 3, 4]).key)
        keys.append(try Provenance(project.trainer(.blocks), utility: .exact).key)
        let open = try project.open(.read)
        let split = try ValuationSplit(of: open, share: 0.25, keeping: false)
        keys.append(try Provenance(CoalitionTrainer(open, players: trainer.players, split: split, metric: .loss, threads: 1), utility: .exact).key)
        try project.delete(["2"])
        keys.append(try Provenance(project.trainer(), utility: .exact).key)
        #expect(Set(keys).count == keys.count)
        #expect(try Provenance(text: base.text, path: "F") == base)
    }
}
