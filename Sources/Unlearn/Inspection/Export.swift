import Checkpoints
import Files
import Tensors
import Training

extension Project {
    /// Which state to export.
    public enum ExportedState: Sendable {
        case model
        /// The one behind a block.
        case block(Int)
        /// A branch's last one.
        case branch(Int)
        /// The model that is there at once when these rows are asked for.
        case interim(DeletionTarget, ignoring: Set<MissingRow> = [])
    }

    public func state(_ wanted: ExportedState) throws -> LatticeVector {
        let lineage = try lineage(), shape = lineage.shape
        switch wanted {
        case .model: return try model()
        case .interim: return try exported(wanted).state
        case .block(let block):
            guard (0...shape.blocks).contains(block), lineage.isTrained(block) else {
                let last = lineage.isWhole || shape.isChain ? "0 to \(lineage.trainedBlocks)" : "those of \(lineage.trainedBlocks) trained blocks"
                throw Failure(.input, "no block \(block): the project has states \(last)")
            }
            return try lineage.state(block)
        case .branch(let branch):
            guard !shape.isChain else { throw Failure(.input, "no branch \(branch): the project is a chain; name a block with --block") }
            guard (1...shape.branches).contains(branch) else { throw Failure(.input, "no branch \(branch): the project has branches 1 to \(shape.branches)") }
            guard lineage.tip(ofBranch: branch) == shape.blocks(ofBranch: branch).upperBound else {
                throw Failure(.input, "branch \(branch) is not trained to its end; run 'unlearn train' first")
            }
            return try lineage.state(lineage.tip(ofBranch: branch))
        }
    }

    /// A state with the settings by which it is served.
    public struct ExportedModel: Sendable {
        public let state: LatticeVector
        let settings: ProjectSettings
    }

    /// A state to export. One that never saw some rows does not name the categories that these rows alone have either.
    public func exported(_ wanted: ExportedState) throws -> ExportedModel {
        guard case .interim(let target, let ignored) = wanted else { return ExportedModel(state: try state(wanted), settings: settings) }
        var options = DeletionOptions()
        (options.ignoreMissing, options.ignoreUnknown) = (ignored.contains(.deleted), ignored.contains(.unknown))
        return try interim(plan(target, options))
    }

    /// The interim model of a deletion, or why there is none.
    func interim(_ plan: DeletionPlan) throws -> ExportedModel {
        ExportedModel(state: try expectInterim(plan), settings: try settingsForgettingCategories(of: [.train: plan.training, .test: plan.test]) ?? settings)
    }

    private func tensors(of state: LatticeVector) -> NamedTensors { NamedTensors(layout: trainer.layout, values: trainer.lattice.floats(state)) }

    /// Throws where a state cannot be written to a path.
    public static func expectExport(to path: String, besideProject folder: String, replacing: Bool) throws {
        try Store.expectOutput(path, besideProject: folder, replacing: replacing)
        guard ExportFormat(path) != nil else {
            throw Failure(.input, "'\(path)' names no known format; end it in .safetensors, .npz or .onnx")
        }
    }

    /// Writes a state, with all that serving it needs, to a file whose name ends in one of `ExportFormat`; gives its bytes. The file is its owner's alone: a
    /// model tells of the people it learnt from.
    /// - Parameter replacing: whether a file that is there may be replaced.
    public func export(_ model: ExportedModel, to path: String, replacing: Bool = false) throws -> Int {
        try Self.expectExport(to: path, besideProject: store.folder, replacing: replacing)
        let name = ModelDescription.name, description = try description(of: model).json
        if let program = settings.recipe.program {
            guard ExportFormat(path) == .safetensors else {
                throw Failure(.input, "models of programs are exported as .safetensors, in their tensors' own types; end '\(path)' so")
            }
            try FileSystem.publish(outputAt: path, replacing: replacing) { try StateFile(program.tensors).write(model.state, to: $0, metadata: [name: description]) }
            return try OpenFile(path, .read).regularLength()
        }
        let tensors = tensors(of: model.state)
        let bytes =
            switch ExportFormat(path)! {
            case .safetensors: try Safetensors.encode(tensors, metadata: [name: description])
            case .npz: try NPZ.encode(tensors, texts: [(name, description)])
            case .onnx: try ONNX.encode(Safetensors.encode(tensors, metadata: [name: description]), path: path)
            }
        try bytes.withUnsafeBytes { try FileSystem.publish(output: $0, at: path, replacing: replacing) }
        return try OpenFile(path, .read).regularLength()
    }

    /// The same of a state as it is served now.
    public func export(_ state: LatticeVector, to path: String, replacing: Bool = false) throws -> Int {
        try export(ExportedModel(state: state, settings: settings), to: path, replacing: replacing)
    }

    private static let longestHeader = 1 << 24

    /// The state that an exported safetensors file holds.
    public func state(exportedTo path: String) throws -> LatticeVector {
        if let program = settings.recipe.program { return try StateFile(program.tensors).state(of: path) }
        let layout = trainer.layout
        // The header, too, has its place; a file of another model may be longer, and is wrong for that.
        let bytes = try FileSystem.read(input: path, most: layout.count * 4 + Self.longestHeader)
        return try Safetensors.decode(bytes, path: path).state(of: trainer, path: path)
    }
}

/// How a file's name ends says what is in it.
private enum ExportFormat: String, CaseIterable {
    case safetensors, npz, onnx

    init?(_ path: String) {
        guard let format = Self.allCases.first(where: { path.hasSuffix("." + $0.rawValue) }) else { return nil }
        self = format
    }
}

extension StateFile {
    /// The state that a file which the user named holds.
    /// - Throws: `Failure` of kind `input` where it holds none of these tensors.
    func state(of path: String) throws -> LatticeVector {
        do { return try read(OpenFile.input(path), exactly: true) } catch let error as Invalid {
            throw Failure(.input, "\(path) \(error.what); it is not this project's model")
        } catch let error as OffLattice {
            throw Failure(.input, "\(path) holds \(error.value) in tensor '\(error.tensor)', which has no place on the lattice; it was altered, export it again")
        }
    }
}
