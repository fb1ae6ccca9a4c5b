import Checkpoints
import Files
import Foundation
import Training

/// Copies of a project that work elsewhere: each is a project of its own, under a key of its own.
extension Project {
    private static let copiesKey = "working-copies"

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
        // Sealed in any case: it travels.
        let copy = try Store(creating: folder, ownKey: true)
        do {
            var settings = settings
            settings.knowsPersons = nil
            try copy.transaction { change in
                try settings.save(in: change)
                try change.set(Store.workingCopySetting, to: task)
                // Which test rows score coalitions, and whether training gives the same bits twice.
                try change.takeSettings(of: store) { $0.hasPrefix(Store.testRowsSettings) || $0 == Self.repeatsKey }
                try change.takeRows(of: store, featureCount: settings.shape.count, bytesPerFeature: settings.encoding.bytesPerFeature)
                try change.takeRecords(of: store) { $0 == 0 || blocks($0) }
                try change.append(LedgerEntry(.created, details: JSONValue(Creation(copyOf: store.projectID))))
            }
            try copy.publishCreation(isWritten: false)
        } catch {
            // The first error is the one to hear of.
            try? copy.abandonCreation()
            throw error
        }
    }

    /// What is to be done on this copy; nil where it is none.
    public func workingCopyTask() throws -> String? { try store.setting(Store.workingCopySetting) }

    /// A copy that was begun and not given up again: what is deleted here is not deleted there.
    public struct WorkingCopy: Codable, Sendable, Equatable {
        /// Drawn for it, so that it is known wherever it was moved to.
        public let id: String
        /// Of its jobs, where they were planned.
        public let folder: String
    }

    public func workingCopies() throws -> [WorkingCopy] {
        guard let text = try store.setting(Self.copiesKey) else { return [] }
        guard let copies = try? JSONDecoder().decode([WorkingCopy].self, from: Data(text.utf8)) else {
            throw Failure(.damaged, "the catalogue's list of working copies is not readable; restore the project from a backup")
        }
        return copies
    }

    /// Notes that there will be a copy, before there is.
    /// - Returns: its id.
    public func noteWorkingCopy(in folder: String) throws -> String {
        let copy = WorkingCopy(id: UUID().uuidString, folder: folder)
        try setWorkingCopies(workingCopies() + [copy])
        return copy.id
    }

    /// Notes that there is none any more.
    public func forgetWorkingCopies(_ isGone: (WorkingCopy) -> Bool) throws { try setWorkingCopies(workingCopies().filter { !isGone($0) }) }

    private func setWorkingCopies(_ copies: [WorkingCopy]) throws {
        try store.transaction { change in try change.set(Self.copiesKey, to: String(decoding: JSONEncoder().encode(copies), as: UTF8.self)) }
    }
}
