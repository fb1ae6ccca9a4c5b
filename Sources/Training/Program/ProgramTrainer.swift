import Files
import Foundation
import Tensors

/// A trainer that is a program of the user's, which is started when it is first asked for something.
public final class ProgramTrainer: BlockTrainer {
    public let spec: ProgramSpec
    private let plan: TrainingPlan
    /// Of a row; nil: the program holds the rows.
    private let shape: RowShape?
    private let classNames: [String]
    private let worker: Int
    private let workers: Int
    private let states: StateFile
    private var running: TrainerProcess?
    /// The file of the state that was passed last: many blocks of rows are scored under one.
    private var passed: (state: LatticeVector, path: String)?

    public private(set) var hasClasses = true
    public var layout: ParameterLayout { states.layout }
    public var lattice: Lattice { Lattice(bits: spec.latticeBits) }

    /// - Parameter worker: which of several that run side by side, from 0.
    public init(_ spec: ProgramSpec, plan: TrainingPlan, shape: RowShape, classNames: [String], worker: Int, of workers: Int) {
        precondition(spec.fault == nil, "a usable program")
        self.spec = spec
        self.plan = plan
        self.shape = spec.holdsRows == true ? nil : shape
        self.classNames = classNames
        self.worker = worker
        self.workers = workers
        states = StateFile(spec.tensors)
    }

    deinit { running?.shutDown() }

    /// What the running program says of itself, and the lattice.
    /// - Throws: `TrainerFault`.
    public var fingerprint: NumericsFingerprint {
        get throws {
            NumericsFingerprint(try process { false }.facts.merging(["lattice_bits": String(spec.latticeBits), "trainer": spec.name]) { $1 })
        }
    }

    /// - Throws: `TrainerFault` where it cannot be started, or is another program.
    private func process(_ isInterrupted: () -> Bool) throws -> TrainerProcess {
        if let running { return running }
        let started = try TrainerProcess(spec.command, in: spec.folder, shape: shape, classNames: classNames, worker: worker, of: workers, isInterrupted: isInterrupted)
        let described = try Described(started.ask(.describe, isInterrupted))
        try described.expectSame(as: spec)
        running = started
        return started
    }

    /// Asks the program; whatever goes wrong, it is started anew the next time.
    private func ask<Result>(_ isInterrupted: () -> Bool, _ body: (TrainerProcess) throws -> Result) throws -> Result {
        do { return try body(process(isInterrupted)) } catch {
            running = nil
            passed = nil
            throw error
        }
    }

    public func initialState() throws -> LatticeVector {
        try ask({ false }) { process in
            let result = process.file("state")
            try process.ask(.initialise(seed: Self.safe(spec.seed), result: result)) { false }
            return try state(result, asked: "make the first state", block: 0)
        }
    }

    public func train(block: Int, from state: LatticeVector, rows: BlockRows, control: TrainingControl) throws -> LatticeVector {
        precondition(block >= 1 && state.count == layout.count && rows.featureCount == shape?.count ?? 0)
        guard rows.labels.contains(where: { $0 != BlockRows.emptySlot }) else { return state }
        if control.isInterrupted() { throw Failure.interrupted }
        return try ask(control.isInterrupted) { process in
            let lineage = plan.lineage, result = process.file("state")
            var random = RandomStream(seed: spec.seed, purpose: .program, block: block)
            let place = TrainerRequest.Place(
                block: block, depth: lineage.depth(of: block), branch: lineage.branch(of: block), rate: plan.rate(block: block), epochs: plan.epochs(of: block),
                seed: Self.safe(random.next()))
            // Mostly the next block is trained from another state: what this one takes in memory is worth more than writing it once again.
            forgetState()
            let before = process.file("state"), given = try pass(rows, process)
            try states.write(state, to: OpenFile(before, .createNew))
            defer { for path in [before, given] { try? FileSystem.remove(path) } }
            try process.ask(.train(place, rows: given, slots: rows.slots, state: before, result: result), control.isInterrupted)
            let after = try self.state(result, asked: "train block \(block)", block: block)
            if block == 1 { try expectChange(state, after) }
            return after
        }
    }

    public func probabilities(state: LatticeVector, rows: BlockRows) throws -> [Float] {
        precondition(state.count == layout.count && rows.featureCount == shape?.count ?? 0)
        let live = rows.labels.indices.filter { rows.labels[$0] != BlockRows.emptySlot }, classes = classNames.count
        var probabilities = [Float](repeating: 0, count: rows.slots * classes)
        guard !live.isEmpty else { return probabilities }
        let scores = try ask({ false }) { process in
            let result = process.file("scores"), before = try pass(state, process), given = try pass(rows, process)
            defer { for path in [given, result] { try? FileSystem.remove(path) } }
            try process.ask(.score(rows: given, state: before, result: result)) { false }
            return try TrainerScores.read(result, labels: live.map { rows.labels[$0] }, classes: classes)
        }
        hasClasses = scores.haveClasses
        for (place, slot) in live.enumerated() {
            for index in 0..<classes { probabilities[slot * classes + index] = scores.probabilities[place * classes + index] }
        }
        return probabilities
    }

    public func forgetState() {
        if let passed { try? FileSystem.remove(passed.path) }
        passed = nil
    }

    /// Tells the program, which holds the rows, to erase some; returns when it says that it has.
    /// - Parameter request: for whom, as the engine names it.
    public func forget(_ rows: BlockRows, request: String, isInterrupted: () -> Bool) throws {
        precondition(shape == nil, "rows that the program holds")
        try ask(isInterrupted) { process in
            let given = try pass(rows, process)
            defer { try? FileSystem.remove(given) }
            try process.ask(.forget(request: request, rows: given), isInterrupted)
        }
    }

    /// JSON's numbers are doubles to many readers.
    private static func safe(_ seed: UInt64) -> UInt64 { seed & (1 << 53 - 1) }

    // MARK: Files

    private func pass(_ state: LatticeVector, _ process: TrainerProcess) throws -> String {
        if let passed, passed.state == state { return passed.path }
        forgetState()
        let path = process.file("state")
        try states.write(state, to: OpenFile(path, .createNew))
        passed = (state, path)
        return path
    }

    /// The live rows of a block.
    private func pass(_ rows: BlockRows, _ process: TrainerProcess) throws -> String {
        let live = rows.labels.indices.filter { rows.labels[$0] != BlockRows.emptySlot }, path = process.file("rows")
        try TrainerRows.write(rows, live: live, shape: shape, to: OpenFile(path, .createNew))
        return path
    }

    private func state(_ path: String, asked request: String, block: Int) throws -> LatticeVector {
        defer { try? FileSystem.remove(path) }
        guard FileSystem.isRegularFile(path) else { throw TrainerFault.badFile(request: request, what: "is not there: no file was written") }
        do { return try states.read(OpenFile(path, .read)) } catch let error as StateFile.Invalid {
            throw TrainerFault.badFile(request: request, what: error.what)
        } catch let error as StateFile.OffLattice {
            if spec.tensors.first(where: { $0.name == error.tensor })?.element.isFloatingPoint == false {
                throw TrainerFault.tooLarge(tensor: error.tensor, value: Int(exactly: error.value).map(String.init) ?? "\(error.value)")
            }
            throw Divergence(block: block, tensor: error.tensor, value: Float(error.value))
        }
    }

    /// A parameter that stays as it is was forgotten by whoever wrote the program, or is moved by less than the lattice shows.
    private func expectChange(_ before: LatticeVector, _ after: LatticeVector) throws {
        for (index, tensor) in spec.tensors.enumerated() where !spec.buffers.contains(tensor.name) && layout.tensors[index].count > 0 {
            let range = layout.offsets[index]..<layout.offsets[index] + layout.tensors[index].count
            if before.steps[range] == after.steps[range] { throw TrainerFault.unchanged(tensor: tensor.name, latticeBits: tensor.bits) }
        }
    }
}

extension ProgramTrainer {
    /// What a program says that its states are made of, before lattices are fixed.
    private struct Described {
        var tensors: [(name: String, shape: [Int], element: TensorElement, bits: Int?)] = []
        var buffers: [String] = []
        private static let longestTensorName = 1000

        init(_ answer: [String: Any]) throws {
            guard let list = answer["tensors"] as? [[String: Any]] else { throw TrainerFault.badDescription("it names no tensors") }
            for entry in list {
                guard let name = entry["name"] as? String, let shape = entry["shape"] as? [Int], let type = entry["dtype"] as? String, let role = entry["role"] as? String,
                    role == "parameter" || role == "buffer"
                else { throw TrainerFault.badDescription("a tensor lacks a name, shape, dtype or role") }
                guard name.utf8.count <= Self.longestTensorName, PathText.withoutControls(name) == name else { throw TrainerFault.badDescription("a tensor's name is too long, or holds controls") }
                guard entry["bits"] == nil || entry["bits"] is NSNull || entry["bits"] is Int else { throw TrainerFault.badDescription("tensor '\(name)' has bits that are no integer") }
                guard let element = TensorElement(rawValue: type) else { throw TrainerFault.badDescription("tensor '\(TrainerFault.excerpt(name))' has the type \(TrainerFault.excerpt(type))") }
                tensors.append((name, shape, element, entry["bits"] as? Int))
                if role == "buffer" { buffers.append(name) }
            }
        }

        func expectSame(as spec: ProgramSpec) throws {
            for (index, tensor) in spec.tensors.enumerated() {
                guard index < tensors.count, tensors[index].name == tensor.name else { throw TrainerFault.otherTensors("tensor \(index + 1) was '\(tensor.name)' and is another now") }
                guard tensors[index].shape == tensor.shape, tensors[index].element == tensor.element else {
                    throw TrainerFault.otherTensors(
                        "tensor '\(tensor.name)' was \(tensor.element.rawValue) \(tensor.shape) and is \(tensors[index].element.rawValue) \(tensors[index].shape)")
                }
                if let bits = tensors[index].bits, bits != tensor.bits { throw TrainerFault.otherTensors("tensor '\(tensor.name)' had \(tensor.bits) bits and has \(bits)") }
            }
            guard tensors.count == spec.tensors.count else { throw TrainerFault.otherTensors("it had \(spec.tensors.count) tensors and has \(tensors.count)") }
        }
    }

    /// Starts a program for a project that is going to be made, and fixes the lattices of its tensors.
    /// - Parameter shape: of a row; nil: the program holds the rows.
    /// - Throws: `TrainerFault`.
    public static func describe(command: String, in folder: String, shape: RowShape?, classNames: [String], latticeBits: Int, seed: UInt64, isInterrupted: () -> Bool) throws -> ProgramSpec {
        let process = try TrainerProcess(command, in: folder, shape: shape, classNames: classNames, worker: 0, of: 1, isInterrupted: isInterrupted)
        let described = try Described(process.ask(.describe, isInterrupted))
        func spec(_ largest: [Double?]) throws -> ProgramSpec {
            let tensors = try zip(described.tensors, largest).map { tensor, largest in
                let standard = tensor.element.isFloatingPoint ? (largest.flatMap(StateTensor.bits) ?? latticeBits) : 0, bits = tensor.bits ?? standard
                guard StateTensor.allowedBits.contains(bits), bits == 0 || tensor.element.isFloatingPoint else {
                    throw TrainerFault.badDescription("tensor '\(TrainerFault.excerpt(tensor.name))' has \(bits) bits")
                }
                return StateTensor(tensor.name, tensor.shape, tensor.element, bits: bits)
            }
            let spec = ProgramSpec(command: command, folder: folder, name: process.name, tensors: tensors, buffers: described.buffers, latticeBits: latticeBits, seed: seed, holdsRows: shape == nil)
            if let fault = spec.fault { throw TrainerFault.badDescription(fault) }
            return spec
        }
        let first = try spec(described.tensors.map { _ in nil })
        guard described.tensors.contains(where: { $0.element.isHalf && $0.bits == nil }) else {
            process.shutDown()
            return first
        }
        let path = process.file("state")
        try process.ask(.initialise(seed: safe(seed), result: path), isInterrupted)
        guard FileSystem.isRegularFile(path) else { throw TrainerFault.badFile(request: "make the first state", what: "is not there: no file was written") }
        do {
            let largest = try StateFile(first.tensors).largest(OpenFile(path, .read))
            process.shutDown()
            return try spec(largest)
        } catch let error as StateFile.Invalid {
            throw TrainerFault.badFile(request: "make the first state", what: error.what)
        } catch let error as StateFile.OffLattice {
            throw Divergence(block: 0, tensor: error.tensor, value: Float(error.value))
        }
    }
}
