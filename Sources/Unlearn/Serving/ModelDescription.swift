import Checkpoints
import Files
import Foundation
import Tensors
import Training

/// All that serving a model needs beside its tensors. `export` writes it into the file, so that the file can be served without the project
/// and without the data (Documentation/Formats.md).
public struct ModelDescription: Codable, Sendable, Equatable {
    /// Of this description; readers refuse those that they do not know.
    public let format: Int
    public let programVersion: String
    public let project: String
    /// BLAKE2b-256 of the tensors' step counts, as ledger and certificates name the state.
    public let stateDigest: String
    /// Requests for erasure that the project had answered when the file was written.
    public let requestsAnswered: Int
    public let latticeBits: Int
    /// Nil where a program of the user's is the model: nobody else can score with it.
    public let network: NetworkDescription?
    /// Nil where a built-in network is the model.
    public let program: ProgramDescription?
    public let shape: RowShape
    /// Nil: features are as the table's encoding, or the data itself, has them.
    public let pixels: Pixels?
    public let classNames: [String]
    public let table: TableEncoding?
    public let tableNames: TableNames?

    public static let currentFormat = 1
    /// The key in a safetensors file's metadata, and the name of an npz archive's member.
    public static let name = "unlearn"

    public struct NetworkDescription: Codable, Sendable, Equatable {
        public let model: ModelName
        public let hidden: [Int]
        /// `gelu` is 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), not the one by the error function.
        public let activation: ActivationName
        public let pooling: PoolingName
        public let width: Int
    }

    /// The program that the tensors belong to.
    public struct ProgramDescription: Codable, Sendable, Equatable {
        /// What it calls itself.
        public let name: String
        /// In the order in which the state counts them.
        public let tensors: [StateTensor]
        /// Whether rows are the program's alone, and named to it; nil: no.
        public let holdsRows: Bool?
    }

    /// A byte's value is byte·scale + shift.
    public struct Pixels: Codable, Sendable, Equatable {
        public let scale: Float
        public let shift: Float
    }

    init(_ settings: ProjectSettings, project: String, stateDigest: String, requestsAnswered: Int) {
        let recipe = settings.recipe
        format = Self.currentFormat
        programVersion = Files.programVersion
        self.project = project
        self.stateDigest = stateDigest
        self.requestsAnswered = requestsAnswered
        latticeBits = recipe.trainer.latticeBits
        network = recipe.network.map { NetworkDescription(model: $0.model, hidden: $0.hidden, activation: $0.activation, pooling: $0.pooling, width: $0.width) }
        program = recipe.program.map { ProgramDescription(name: $0.name, tensors: $0.tensors, holdsRows: $0.holdsRows) }
        shape = settings.shape
        if case .bytes(let scale, let shift) = settings.encoding { pixels = Pixels(scale: scale, shift: shift) } else { pixels = nil }
        classNames = settings.classNames
        table = settings.table
        tableNames = settings.tableNames
    }

    /// JSON with keys in snake case, in order.
    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.keyEncodingStrategy = .convertToSnakeCase
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    /// - Throws: `Failure` of kind `input` where the text is no description, of a format that is not known, or describes no network
    ///   that `init` would make.
    init(json: String, path: String) throws {
        let decoder = JSONDecoder(), bytes = Array(json.utf8)
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        struct Version: Decodable { let format: Int }
        // Nothing that another reader of the file could take differently, such as a key that stands there twice.
        guard let version = try? StrictJSON.decode(Version.self, from: bytes, with: decoder, nul: .read) else { throw Self.unusable(path) }
        guard version.format == Self.currentFormat else {
            throw Failure(.input, "\(path) describes its model in format \(version.format), this program reads \(Self.currentFormat); use the version of unlearn that wrote it, or a newer one")
        }
        do { self = try decoder.decode(ModelDescription.self, from: Data(json.utf8)) } catch { throw Self.unusable(path) }
        if let fault { throw Failure(.input, "\(path) describes a model that there cannot be: \(fault); export it again") }
    }

    private static func unusable(_ path: String) -> Failure { Failure(.input, "\(path) describes no model of this program; export it again") }

    /// What in it no project has; nil where it may be one's.
    private var fault: String? {
        if requestsAnswered < 0 { return "it has answered \(requestsAnswered) requests" }
        if (network == nil) == (program == nil) { return "it names neither a network nor a program, or both" }
        if !recipe.isAllowed || !Lattice.allowedBits.contains(latticeBits) { return "its network has a number that 'unlearn init' does not allow" }
        if !shape.isUsable { return "its rows have no shape" }
        if !ClassNames.areUsable(classNames, ofTable: table != nil) { return "its classes are fewer than two, or one has no name or that of another" }
        if !encoding.isUsable { return "its pixels have a scale that is not above 0, or one that is not finite" }
        if let table, !table.isUsable(features: shape.count) {
            return "its columns give another number of features, a column or a category stands there twice, or a mean or deviation is none"
        }
        return nil
    }

    /// A recipe whose trainer scores as the model did; how it was trained is not told.
    private var recipe: Recipe {
        let plan = TrainingPlan(blocks: 1, epochs: 1, learningRate: 1, schedule: .constant)
        guard let network else {
            let tensors = program?.tensors ?? []
            return Recipe(
                plan: plan, trainer: .program(ProgramSpec(command: "exit", folder: "/", name: program?.name ?? "", tensors: tensors, buffers: [], latticeBits: latticeBits, seed: 0, holdsRows: program?.holdsRows == true)))
        }
        return Recipe(
            plan: plan,
            network: NetworkSpec(
                model: network.model, hidden: network.hidden, activation: network.activation, pooling: network.pooling, width: network.width, batchSize: 1,
                latticeBits: latticeBits))
    }

    /// One that scores as the model did.
    /// - Throws: `Failure` of kind `input` where only a program of the user's can.
    func makeTrainer(threads: Int) throws -> any BlockTrainer {
        if let program {
            throw Failure(.input, "the model is of the program '\(program.name)', which alone can score with it: load its tensors there, or name the project instead (-C DIR)")
        }
        return try recipe.makeTrainer(input: shape, classNames: classNames, threads: threads)
    }

    var encoding: FeatureEncoding { program?.holdsRows == true ? .locators : pixels.map { .bytes(scale: $0.scale, shift: $0.shift) } ?? .floats }

    /// What a survey of rows of its kind would say.
    public var survey: Survey {
        Survey(shape: shape, encoding: encoding, classNames: classNames, labels: [], groups: [], groupNames: [], hasIDs: false)
    }
}
