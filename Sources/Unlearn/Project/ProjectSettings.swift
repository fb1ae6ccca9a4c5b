import Checkpoints
import Files
import Foundation
import Tensors
import Training

/// What a project was made with; fixed at `init`.
public struct ProjectSettings: Codable, Sendable, Equatable {
    public var recipe: Recipe
    public var shape: RowShape
    public var encoding: FeatureEncoding
    public var classNames: [String]
    public var blockPolicy: BlockPolicy
    /// How a table's columns became features; nil for images.
    public var table: CSVEncoding?
    /// Where the rows were imported from, as the command line named it.
    public var source: String
    public var testSource: String?
    /// What may change the bits of training, as it was at `init`.
    public var fingerprint: NumericsFingerprint
    public var programVersion: String

    static let key = "project"

    static func load(from store: Store) throws -> ProjectSettings {
        guard let text = try store.setting(key) else {
            throw Failure(.damaged, "the catalogue has no settings; restore the project from a backup")
        }
        do {
            let settings = try JSONDecoder().decode(ProjectSettings.self, from: Data(text.utf8))
            guard settings.isUsable else { throw Failure(.damaged, "the catalogue's settings are out of range; restore the project from a backup") }
            return settings
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.damaged, "the catalogue's settings are not readable (\(error)); restore the project from a backup")
        }
    }

    /// Whether every number is one that `init` allows.
    private var isUsable: Bool {
        let dimensions = [shape.channels, shape.height, shape.width]
        return Lattice.allowedBits.contains(recipe.latticeBits) && (1...1_000_000).contains(recipe.blocks) && recipe.epochs >= 1
            && (1...65_536).contains(recipe.batchSize) && recipe.hidden.allSatisfy { (1...65_536).contains($0) } && classNames.count >= 2
            && dimensions.allSatisfy { (1...1 << 24).contains($0) } && shape.count <= 1 << 24
    }

    func save(to store: Store) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try store.set(Self.key, to: String(decoding: encoder.encode(self), as: UTF8.self))
    }
}
