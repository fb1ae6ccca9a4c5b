import Checkpoints
import Files
import Tensors
import Training

/// A model that can be asked: of a project, or of a file that `export` wrote.
public final class ServedModel {
    public let description: ModelDescription
    private let state: LatticeVector
    private let trainer: any BlockTrainer

    /// The model that a project serves.
    public convenience init(of project: Project) throws {
        let state = try project.model()
        self.init(state, try project.description(of: state), project.trainer)
    }

    /// A file alone.
    /// - Throws: `Failure` of kind `input` where it is no such file, or its tensors are not those that it describes.
    public convenience init(file path: String, threads: Int) throws {
        let file = try ModelFile(reading: path), description = file.description, state = try file.state(path)
        guard Digest(of: state).description == description.stateDigest else {
            throw Failure(.input, "\(path): its tensors are not those of the state that it names; fetch the file again")
        }
        self.init(state, description, try description.makeTrainer(threads: threads))
    }

    /// What a file is compared with a certificate by: neither is what it says of itself.
    public struct FileDigests: Sendable, Equatable {
        /// Of the tensors.
        public let state: String
        /// Of the tensors and of all that decides how rows become predictions (`ServingDigest`).
        public let serving: String

        package init(state: String, serving: String) { (self.state, self.serving) = (state, serving) }
    }

    /// The digests of the model in a file, by its tensors and its description as they are.
    /// - Throws: `Failure` of kind `input` where it is no model that there can be.
    public static func digests(ofFile path: String) throws -> FileDigests {
        let file = try ModelFile(reading: path), state: LatticeVector, layout: ParameterLayout
        switch file.content {
        case .network(let tensors):
            _ = try file.state(path)
            // As they stand in the file: in another order they are another file to readers that go by it.
            (state, layout) = (try Lattice(bits: file.description.latticeBits).state(tensors.values, path: path), tensors.layout)
        case .program(let counted, let tensors): (state, layout) = (counted, tensors)
        }
        return FileDigests(state: Digest(of: state).description, serving: try ServingDigest.digest(json: Array(file.json.utf8), layout, state).description)
    }

    private init(_ state: LatticeVector, _ description: ModelDescription, _ trainer: any BlockTrainer) {
        self.state = state
        self.description = description
        self.trainer = trainer
    }

    /// Rows that are scored together.
    private static let batch = 4096

    /// Scores rows in their order, a few thousand at a time.
    /// - Parameter body: gets ids (nil where the source has none) and the probabilities (rows, classes).
    /// - Complexity: O(batch) memory, whatever the number of rows.
    public func predict(_ source: any RowSource, _ body: (_ ids: [String?], _ probabilities: [Float]) throws -> Void) throws -> Int {
        let shape = description.shape, encoding = description.encoding
        var ids: [String?] = [], stored: [UInt8] = [], rows = 0
        func score() throws {
            guard !ids.isEmpty else { return }
            let labels = [Int32](repeating: 0, count: ids.count)
            let block = encoding == .locators
                // A manifest's rows have ids, and locators that are text.
                ? BlockRows(names: ids.enumerated().map { RowName(id: $1!, stored: stored[$0 * shape.count..<($0 + 1) * shape.count])! }, labels: labels)
                : BlockRows(features: encoding.decode(stored), labels: labels, featureCount: shape.count)
            try body(ids, trainer.probabilities(state: state, rows: block))
            rows += ids.count
            ids.removeAll(keepingCapacity: true)
            stored.removeAll(keepingCapacity: true)
        }
        try source.forEachRow { _, id, features in
            ids.append(id)
            stored.append(contentsOf: features)
            if ids.count == Self.batch { try score() }
        }
        try score()
        return rows
    }

    /// Throws where a source's rows are not of the model's kind.
    public func expectFit(_ survey: Survey) throws {
        guard survey.shape == description.shape, survey.encoding.isLike(description.encoding) else {
            let wanted = description.shape
            throw Failure(
                .input, "these rows have \(survey.shape.channels)×\(survey.shape.height)×\(survey.shape.width) features, the model takes \(wanted.channels)×\(wanted.height)×\(wanted.width); give rows of the kind that it was trained on")
        }
    }
}

extension Project {
    /// What an exported state says of itself.
    public func description(of state: LatticeVector) throws -> ModelDescription { try description(of: ExportedModel(state: state, settings: settings)) }

    func description(of model: ExportedModel) throws -> ModelDescription {
        ModelDescription(
            model.settings, project: store.projectID, stateDigest: Digest(of: model.state).description, requestsAnswered: try store.requestNumbers().count)
    }

    /// The digest that a file of a model has which `export` writes.
    func servingDigest(of model: ExportedModel) throws -> Digest { try ServingDigest.digest(of: description(of: model), trainer.layout, model.state) }

    /// The digest that a file of the model has which `export` writes now.
    package func servingDigest() throws -> (state: Digest, serving: Digest) {
        let model = ExportedModel(state: try model(), settings: settings)
        return (Digest(of: model.state), try servingDigest(of: model))
    }
}

extension NamedTensors {
    /// The lattice state that the tensors are, for a trainer of the same layout.
    /// - Throws: `Failure` of kind `input` where they are of another model.
    func state(of trainer: any BlockTrainer, path: String) throws -> LatticeVector {
        let layout = trainer.layout
        // Before anything is as long as a description merely says.
        guard self.layout.count == layout.count else {
            throw Failure(.input, "\(path) has \(self.layout.count) numbers, this model \(layout.count); it is not this project's model")
        }
        var values = [Float](repeating: 0, count: layout.count)
        guard self.layout.tensors.count == layout.tensors.count else {
            throw Failure(.input, "\(path) has \(self.layout.tensors.count) tensors, this model \(layout.tensors.count)")
        }
        for (index, spec) in layout.tensors.enumerated() {
            guard let place = self.layout.tensors.firstIndex(of: spec) else {
                throw Failure(.input, "\(path) has no tensor '\(spec.name)' of shape \(spec.shape); it is not this project's model")
            }
            values.replaceSubrange(layout.offsets[index]..<layout.offsets[index] + spec.count, with: self.values(of: place))
        }
        return try trainer.lattice.state(values, path: path)
    }
}

extension Lattice {
    /// The state that a file's numbers are, every one of them: one that a step would be rounded to is another model's.
    /// - Throws: `Failure` of kind `input` where one is no step.
    fileprivate func state(_ values: [Float], path: String) throws -> LatticeVector {
        func fault(_ value: Float) -> Failure { Failure(.input, "\(path) holds \(value), which has no place on the lattice; it was altered, export it again") }
        let state: LatticeVector
        do { state = try values.withUnsafeBufferPointer { try snap($0) } } catch let error as OffLattice { throw fault(error.value) }
        if let index = zip(values, floats(state)).enumerated().first(where: { $1.0 != $1.1 })?.offset { throw fault(values[index]) }
        return state
    }
}
