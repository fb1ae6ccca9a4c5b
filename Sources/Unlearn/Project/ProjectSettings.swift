import Checkpoints
import Files
import Foundation
import Tensors
import Training

/// What a project was made with. Fixed at `init` but for the fingerprint, which the machine that begins to train sets, and
/// names of categories, which go with the last row that has them.
public struct ProjectSettings: Codable, Sendable, Equatable {
    public var recipe: Recipe
    public var shape: RowShape
    public var encoding: FeatureEncoding
    public var classNames: [String]
    public var blockPolicy: BlockPolicy
    /// How a table's columns became features; nil for images.
    public var table: TableEncoding?
    /// What stands in which column of the table, for rows that come later; nil in projects made before that was kept.
    public var tableNames: TableNames?
    /// Whether the rows came with the persons whom they belong to; nil, as in projects of earlier versions: no.
    public var knowsPersons: Bool?
    /// Whether providers, being more than the branches, share some; nil, as in projects of earlier versions: no.
    public var sharesBranches: Bool?
    /// Where the rows were imported from, as the command line named it.
    public var source: String
    public var testSource: String?
    /// What may change the bits of training, as it was at `init`.
    public var fingerprint: NumericsFingerprint
    public var programVersion: String

    /// What a survey of the project's rows would say of their shape and classes: rows from elsewhere are read by it.
    public var survey: Survey {
        Survey(shape: shape, encoding: encoding, classNames: classNames, labels: [], groups: [], groupNames: [], hasIDs: false)
    }

    public func makeTrainer(threads: Int, worker: Int = 0, of workers: Int = 1) throws -> any BlockTrainer {
        try recipe.makeTrainer(input: shape, classNames: classNames, threads: threads, worker: worker, of: workers)
    }

    /// Trainers that continue what was trained.
    /// - Parameter workers: processes side by side, where a program of the user's trains.
    func makeCrew(threads: Int, workers: Int) throws -> TrainerCrew {
        guard recipe.program != nil else { return try TrainerCrew(threads: threads) { try makeTrainer(threads: $0) } }
        return try TrainerCrew(workers: workers) { try makeTrainer(threads: 1, worker: $0, of: workers) }
    }

    static let key = "project"

    static func load(from store: Store) throws -> ProjectSettings {
        guard let text = try store.setting(key) else {
            throw Failure(.damaged, "the catalogue has no settings; restore the project from a backup")
        }
        return try ProjectSettings(json: text)
    }

    func save(in change: borrowing StoreChange) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try change.set(Self.key, to: String(decoding: encoder.encode(self), as: UTF8.self))
    }
}

/// The columns of a table that are no features.
public struct TableNames: Codable, Sendable, Equatable {
    public let label: String
    public let id: String?
    public let group: String?
    /// Nil where the project knows no persons.
    public let person: String?
    public let decimalComma: Bool
    /// How the text is written down; nil for UTF-8.
    public let encoding: TextEncoding?

    public init(_ options: TableOptions) {
        label = options.labelColumn
        id = options.idColumn
        group = options.groupColumn
        person = options.personColumn
        decimalComma = options.decimalComma
        encoding = options.encoding == .utf8 ? nil : options.encoding
    }
}

extension ProjectSettings {
    /// - Throws: `Failure` of kind `damaged` where the text is no settings, or holds numbers that `init` does not allow.
    package init(json text: String) throws {
        do {
            let settings = try JSONDecoder().decode(ProjectSettings.self, from: Data(text.utf8))
            guard settings.isUsable else { throw Failure(.damaged, "the catalogue's settings are out of range; restore the project from a backup") }
            self = settings
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(.damaged, "the catalogue's settings are not readable (\(error)); restore the project from a backup")
        }
    }

    /// Whether every number and every name is one that `init` gives.
    private var isUsable: Bool {
        recipe.isAllowed && (encoding == .locators) == (recipe.program?.holdsRows == true) && recipe.network?.classWeights.map { $0.count == classNames.count } != false && shape.isUsable && encoding.isUsable
            && ClassNames.areUsable(classNames, ofTable: table != nil) && (table?.isUsable(features: shape.count) ?? true)
    }
}

/// Names of classes, which stand for their places: with one twice, nobody could say which class a row was given.
enum ClassNames {
    /// - Parameter ofTable: in a table a cell without text is no label; NumPy's arrays may hold one.
    static func areUsable(_ names: [String], ofTable: Bool) -> Bool {
        names.count >= 2 && Set(names).count == names.count && !(ofTable && names.contains(""))
    }
}

extension FeatureEncoding {
    /// Whether different bytes become different numbers, in their order.
    var isUsable: Bool {
        switch self {
        case .bytes(let scale, let shift): scale.isFinite && scale > 0 && shift.isFinite
        case .floats, .locators: true
        }
    }
}

extension RowShape {
    private static let mostFeatures = 1 << 24

    /// Whether rows of this shape can be.
    var isUsable: Bool {
        // Each is bounded before they are multiplied, and again behind every product: three of 2^24 overflow.
        [channels, height, width].reduce(1) { (1...Self.mostFeatures).contains($1) && $0 <= Self.mostFeatures ? $0 * $1 : .max } <= Self.mostFeatures
    }
}

extension TableEncoding {
    /// Whether it gives so many features, all of them finite, and every cell has one place: no column and no category stands there twice.
    func isUsable(features: Int) -> Bool {
        self.features == features && Set(columns.map(\.name)).count == columns.count
            && columns.allSatisfy {
                switch $0.kind {
                case .number(let standardisation): standardisation.isUsable
                case .date(let day, let time): day.isUsable && (time?.isUsable ?? true)
                case .boolean: true
                case .categories(let names, _): Self.areDistinct(categories: names)
                }
            }
    }
}

extension TableEncoding.Standardisation {
    fileprivate var isUsable: Bool { mean.isFinite && deviation.isFinite && deviation > 0 }
}
