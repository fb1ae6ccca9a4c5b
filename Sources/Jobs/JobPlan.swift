import Checkpoints
import Files
import Foundation
import Training
import Unlearn
import Valuation

/// Independent pieces of a long task, as a working copy has it, sealed.
public struct JobPlan: Codable, Sendable, Equatable {
    public enum Task: Codable, Sendable, Equatable {
        /// Branches that are to be trained, one a job.
        case branches([Int])
        /// Models that are trained from scratch without some rows, one a job: slots by block.
        case references([[Int: Set<Int>]])
        /// Shares of a valuation's coalitions, one a job.
        case values(ValueTask)

        public enum Name: String, Sendable, CaseIterable {
            case branches, references, values
        }

        public var name: Name {
            switch self {
            case .branches: .branches
            case .references: .references
            case .values: .values
            }
        }

        public var jobs: Int {
            switch self {
            case .branches(let branches): branches.count
            case .references(let cases): cases.count
            case .values(let task): task.shares
            }
        }
    }

    /// A valuation, of which each job evaluates a share.
    public struct ValueTask: Codable, Sendable, Equatable {
        /// `groups`, `blocks`, or nil: the players' file.
        public let players: String?
        public let playersFile: String?
        public let options: ValuationOptions
        public let shares: Int

        /// - Throws: `Failure` of kind `input` where the players' file cannot be read.
        public init(_ source: PlayerSource, _ options: ValuationOptions, shares: Int) throws {
            switch source {
            case .groups: (players, playersFile) = ("groups", nil)
            case .blocks: (players, playersFile) = ("blocks", nil)
            case .file(let path):
                let bytes = try FileSystem.read(input: path, "the path of the players", most: Self.mostBytes)
                guard let text = String(validating: bytes, as: UTF8.self) else { throw Failure(.input, "\(path) is not UTF-8 text; write it so") }
                (players, playersFile) = (nil, text)
            }
            (self.options, self.shares) = (options, shares)
        }

        private static let mostBytes = 1 << 26

        /// The players of a project.
        func playerSet(of project: Project) throws -> PlayerSet {
            guard let playersFile else { return try PlayerSet(players == "blocks" ? .blocks : .groups, of: project) }
            let folder = try MemoryFolder(), path = folder.path + "/players"
            return try withExtendedLifetime(folder) {
                _ = try Array(playersFile.utf8).withUnsafeBytes { try FileSystem.publish(output: $0, at: path, replacing: false) }
                return try PlayerSet(.file(path), of: project)
            }
        }
    }

    public static let currentFormat = 1

    public let format: Int
    /// Of the copy, as its project lists it; nil until there is one.
    public internal(set) var copy: String?
    /// The project that the copy is of.
    public let project: String
    public let task: Task
    /// By block, the digest of the training rows' file there: another one once a deletion has taken any out.
    public let rows: [Int: String]
    /// Of the state that jobs begin with: the stem's end for branches, else the model.
    public let stateDigest: String

    public init(of project: Project, _ task: Task, stateDigest: String) throws {
        format = Self.currentFormat
        self.project = project.store.projectID
        self.task = task
        rows = Dictionary(uniqueKeysWithValues: try project.store.rowBlocks(.train).map { ($0.block, $0.digest) })
        self.stateDigest = stateDigest
    }

    var text: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    init(text: String, path: String) throws {
        guard let plan = try? JSONDecoder().decode(JobPlan.self, from: Data(text.utf8)), plan.format == Self.currentFormat else {
            throw Failure(.input, "\(path) was planned by another version of unlearn; plan the jobs again with this one")
        }
        self = plan
    }

    /// Blocks whose rows are others now than when the copy was made: some were deleted.
    func blocksChanged(in project: Project) throws -> Set<Int> {
        let now = Dictionary(uniqueKeysWithValues: try project.store.rowBlocks(.train).map { ($0.block, $0.digest) })
        return Set(rows.keys.filter { now[$0] != rows[$0] })
    }
}
