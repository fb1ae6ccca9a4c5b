import Checkpoints
import Files
import Foundation
import Training

/// Copies of a project that work elsewhere: each is a project of its own, under a key of its own.
extension Project {
    private static let copiesKey = "working-copies"
    private static let taskKey = "working-copy-task"

    /// What the ledger of a copy begins with.
    private struct Creation: Encodable {
        let copyOf: String
    }

    /// Writes a copy: settings, live rows with their ids and providers, and records of trained blocks. What the ledger holds, requests and what is
    /// left of deleted rows stay here, and so does whose rows are whose.
    /// - Parameters:
    ///   - folder: where no project is; it gets a key of its own there.
    ///   - blocks: whose records are copied, beside the initialisation.
    ///   - task: what is to be done on it, sealed with it.
    /// - Complexity: O(bytes of rows and records).
    public func makeWorkingCopy(in folder: String, blocks: (_ block: Int) -> Bool, task: String) throws {
        let copy = try Store(creating: folder, encryption: store.encryption, ownKey: true)
        do {
            var settings = settings
            settings.knowsPersons = nil
            try copy.transaction { change in
                try settings.save(in: change)
                try change.set(Self.taskKey, to: task)
                // Which test rows score coalitions, and whether training gives the same bits twice.
                try change.takeSettings(of: store) { $0.hasPrefix(Store.testRowsSettings) || $0 == Self.repeatsKey }
                try change.takeRows(of: store, featureCount: settings.shape.count, bytesPerFeature: settings.encoding.bytesPerFeature)
                try change.takeRecords(of: store) { $0 == 0 || blocks($0) }
                try change.append(LedgerEntry(.created, details: JSONValue(Creation(copyOf: store.projectID))))
            }
            try copy.publishCreation(isWritten: false)
        } catch {
            // The first error is the one to hear of; what stays is taken away by the next attempt.
            try? copy.abandonCreation()
            throw error
        }
    }

    /// What is to be done on this copy; nil where it is none.
    public func workingCopyTask() throws -> String? { try store.setting(Self.taskKey) }

    /// Folders of copies that were made and not given up again: what is deleted here is not deleted there.
    public func workingCopies() throws -> [String] {
        guard let text = try store.setting(Self.copiesKey) else { return [] }
        guard let paths = try? JSONDecoder().decode([String].self, from: Data(text.utf8)) else {
            throw Failure(.damaged, "the catalogue's list of working copies is not readable; restore the project from a backup")
        }
        return paths
    }

    /// Notes that there is a copy, or that there is none any more.
    public func noteWorkingCopy(_ folder: String, isThere: Bool) throws {
        let others = try workingCopies().filter { $0 != folder }, next = others + (isThere ? [folder] : [])
        try store.transaction { change in try change.set(Self.copiesKey, to: String(decoding: JSONEncoder().encode(next), as: UTF8.self)) }
    }
}
