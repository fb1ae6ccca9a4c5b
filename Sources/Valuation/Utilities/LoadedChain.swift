import Tensors
import Unlearn

/// A chain read whole into memory, for any number of threads.
final class LoadedChain: InfluenceChain, Sendable {
    private let states: [LatticeVector]
    private let influences: [LatticeVector]
    private let corrections: [LatticeVector?]
    let firstInexact: Int?

    /// - Complexity: one record a block; 8 bytes for each parameter and block.
    init(_ chain: any InfluenceChain) throws {
        var states = [try chain.state(0)], influences: [LatticeVector] = [], corrections: [LatticeVector?] = []
        for block in 1...chain.length {
            states.append(try chain.state(block))
            influences.append(try chain.influence(block))
            corrections.append(try chain.correction(block))
        }
        (self.states, self.influences, self.corrections) = (states, influences, corrections)
        firstInexact = chain.firstInexact
    }

    var length: Int { influences.count }
    func state(_ block: Int) -> LatticeVector { states[block] }
    func influence(_ block: Int) -> LatticeVector { influences[block - 1] }
    func correction(_ block: Int) -> LatticeVector? { corrections[block - 1] }
}

/// One thread's view of the stored chain; reads one after the other with all others.
final class SharedChain: InfluenceChain {
    private let chain: any InfluenceChain
    private let trainer: CoalitionTrainer

    init(_ trainer: CoalitionTrainer) throws {
        chain = try trainer.project.lineage().chain()
        self.trainer = trainer
    }

    var length: Int { chain.length }
    var firstInexact: Int? { chain.firstInexact }
    func state(_ block: Int) throws -> LatticeVector { try trainer.locked { try chain.state(block) } }
    func influence(_ block: Int) throws -> LatticeVector { try trainer.locked { try chain.influence(block) } }
    func correction(_ block: Int) throws -> LatticeVector? { try trainer.locked { try chain.correction(block) } }
}

extension CoalitionTrainer {
    /// A chain is kept in memory up to so many bytes.
    static let mostChainBytes = 1 << 30

    /// The project's chain for each thread: one in memory, or one reader each. A lineage with branches has none.
    func chains(mostBytes: Int = mostChainBytes) throws -> [any InfluenceChain] {
        precondition(lineage.isChain, "utilities that follow a chain")
        guard 8 * blocks * model.count <= mostBytes else { return try trainers.map { _ in try SharedChain(self) } }
        let chain = try LoadedChain(project.lineage().chain())
        return trainers.map { _ in chain }
    }
}
