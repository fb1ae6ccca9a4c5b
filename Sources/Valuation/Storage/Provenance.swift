import Checkpoints
import Files
import Foundation
import Training

/// All that the scores of a coalition depend on. Its canonical JSON (sorted keys, no spaces) is what a table of utilities is
/// known by: two runs with the same text give every coalition the same scores.
public struct Provenance: Codable, Sendable, Equatable {
    public struct Player: Codable, Sendable, Equatable {
        public let name: String
        public let rows: Int
        /// Over its rows' places, in hexadecimal.
        public let digest: String
    }

    /// Of tables of utilities and of this text.
    public static let currentFormat = 2

    public let format: Int
    /// Of the trained model, which all training rows and the recipe have gone into.
    public let stateDigest: String
    /// exact, stitch or additive.
    public let utility: String
    public let players: [Player]
    /// Share of the test rows that score coalitions, and digest of these rows.
    public let splitShare: Double
    public let splitDigest: String
    /// The block whose rows stand at each place of the chain.
    public let order: [Int]
    /// Of the machine that evaluates.
    public let fingerprint: [String: String]

    /// - Parameter order: as the exact utility has it; nil: the project's own.
    public init(_ trainer: CoalitionTrainer, utility: UtilityRecord.Source, order: [Int]? = nil) throws {
        format = Self.currentFormat
        stateDigest = Digest(of: trainer.model).description
        self.utility = utility.name
        players = trainer.players.players.map { Player(name: $0.name, rows: $0.rows, digest: Hexadecimal.encode($0.digest.bytes)) }
        splitShare = trainer.split.share
        splitDigest = Hexadecimal.encode(trainer.scorer.digest.bytes)
        self.order = order ?? Array(1...trainer.blocks)
        fingerprint = try trainer.project.trainer.fingerprint.facts
    }

    /// - Throws: `Failure` of kind `input` where the text is not what `text` gives for some provenance of this format.
    init(text: String, path: String) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let known = try? decoder.decode(Provenance.self, from: Data(text.utf8)), known.format == Self.currentFormat, (try? known.text) == text else {
            throw Failure(.input, "\(path) does not say what its utilities are of, or says it as another version does; make it again with this one")
        }
        self = known
    }

    public var text: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// SHA-256 over the text.
    public var key: SHA256 { get throws { SHA256(of: Array(try text.utf8)) } }

    /// What differs first, in words for a message; nil where nothing does.
    func firstDifference(from other: Provenance) -> String? {
        let differences: [(String, Bool)] = [
            ("models", stateDigest != other.stateDigest), ("utilities", utility != other.utility),
            ("players", players != other.players), ("test rows", splitShare != other.splitShare || splitDigest != other.splitDigest),
            ("block orders", order != other.order), ("numerics", fingerprint != other.fingerprint), ("formats", format != other.format),
        ]
        return differences.first { $0.1 }?.0
    }
}
