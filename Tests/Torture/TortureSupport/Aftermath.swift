/// The oracle of every disturbance: whatever ended an operation, the project is as before it or as after it, the next
/// command that writes clears up, nothing is damaged, and the operation can be had by asking again.
struct Aftermath {
    let subject: Subject
    let stage: Stage

    /// - Parameter acknowledged: the program said that it was done, so it must be there.
    func judge(acknowledged: Bool, unchanged: Bool = false) throws {
        let found = try standing(acknowledged: acknowledged)
        if unchanged, found != stage.before { throw Finding("the command said that nothing was changed, but \(describe(found))") }
        if found == nil { try subject.succeed(stage.operation, "after a disturbed one") }
        try subject.succeed(.train, "as the next command that writes")
        try subject.succeed(.check, "after it")
        let isWhole = stage.operation.effect == .deletes || stage.operation.effect == .queues
        let settled = isWhole && found == stage.before ? stage.before : stage.trained
        try expect(try subject.standing(), settled, "after the next command that writes")
        let isDone = isWhole ? found == stage.after : stage.operation.effect != .nothing
        guard !isDone else { return }
        try subject.succeed(stage.operation, "repeated")
        try expect(try subject.standing(), stage.after, "after repeating")
        try subject.succeed(.check, "after repeating")
    }

    /// What a reader sees right after the disturbance.
    @discardableResult
    func standing(acknowledged: Bool) throws -> Standing? {
        let found = try subject.standing()
        if found == stage.after { return found }
        if acknowledged { throw Finding("\(stage.operation.name) said that it was done, but \(describe(found))") }
        if found == stage.before { return found }
        guard stage.operation.effect == .trains, let found, let before = stage.before, found.deleted == before.deleted,
            found.places == before.places, found.blocksTrained < stage.after.blocksTrained
        else { throw Finding("neither as before nor as after: \(describe(found))") }
        // Blocks are trained in the order of their numbers, branches too where there is one thread.
        if found.blocksTrained > 0, try subject.weights(block: found.blocksTrained) != stage.weights[found.blocksTrained] {
            throw Finding("the weights after \(found.blocksTrained) blocks are not those of an undisturbed training")
        }
        return found
    }

    private func expect(_ found: Standing?, _ wanted: Standing?, _ when: String) throws {
        guard found != wanted else { return }
        throw Finding("\(when): \(describe(found)); wanted \(describe(wanted))")
    }

    private func describe(_ standing: Standing?) -> String { standing?.description ?? "there is no project" }
}
