import Files

/// One operation in a project's life with what it must do, learnt from a run that nothing disturbed.
struct Stage: Sendable {
    let operation: Operation
    /// The project before it, as a folder to copy; nil: there is none.
    let snapshot: String?
    let before: Standing?
    let after: Standing
    /// What `train` leads to from here, where that is something else.
    let trained: Standing
    /// Weights after each block of the undisturbed training.
    let weights: [[UInt8]]

    /// Lives a whole life undisturbed.
    static func life(_ program: Program, _ sample: Sample, in workplace: WorkFolder) throws -> [Stage] {
        let subject = Subject(program, try workplace.folder() + "/project", sample)
        var passed: [(operation: Operation, snapshot: String?, before: Standing?, after: Standing)] = []
        var weights: [[UInt8]] = []
        for operation in try Operation.life(of: sample, program) {
            let before = try subject.standing()
            let snapshot = before == nil ? nil : workplace.file("before-\(operation.name)-\(passed.count)")
            if let snapshot { try Tree.copy(subject.folder, to: snapshot) }
            try subject.succeed(operation, "undisturbed")
            let after = try effect(of: operation, on: subject, before: before)
            if operation.effect == .trains { weights = try (0...sample.blocks).map { try subject.weights(block: $0) } }
            passed.append((operation, snapshot, before, after))
        }
        guard let trained = passed.first(where: { $0.operation.effect == .trains })?.after else { throw Finding("no training in a project's life") }
        return passed.map {
            let isEarly = $0.operation.effect == .creates || $0.operation.effect == .trains
            return Stage(
                operation: $0.operation, snapshot: $0.snapshot, before: $0.before, after: $0.after, trained: isEarly ? trained : $0.after,
                weights: isEarly ? weights : [])
        }
    }

    /// What an undisturbed operation led to: that much is known without asking the program.
    static func effect(of operation: Operation, on subject: Subject, before: Standing?) throws -> Standing {
        guard let after = try subject.standing() else { throw Finding("\(operation.name) left no project") }
        guard after.deleted == (before?.deleted ?? []).union(operation.ids) else {
            throw Finding("after an undisturbed \(operation.name) other rows are deleted than were asked for: \(after.description)")
        }
        guard before == nil || after.places == before?.places else { throw Finding("an undisturbed \(operation.name) moved rows") }
        switch operation.effect {
        case .creates where after.blocksTrained == 0: break
        case .trains where after.blocksTrained == subject.sample.blocks: break
        // Weights know nothing of test rows.
        case .deletes where after.stateDigest != before?.stateDigest || operation.ids.allSatisfy { $0.hasPrefix("test:") }: break
        case .queues where after.waiting != before?.waiting && after.stateDigest == before?.stateDigest: break
        case .nothing where after == before: break
        default: throw Finding("an undisturbed \(operation.name) has not its effect: \(after.description)")
        }
        return after
    }

    /// A copy of the project before the operation.
    func subject(_ program: Program, _ sample: Sample, in folder: String) throws -> Subject {
        let subject = Subject(program, folder + "/project", sample)
        if let snapshot { try Tree.copy(snapshot, to: subject.folder) }
        return subject
    }
}
