import Checkpoints
import Files
import Synchronization
import Tensors
import Training
import Unlearn

/// Coalitions of a lineage with branches. Each one's model is a merge: of the ends of branches whose rows it keeps whole, which lie in
/// the store, and of branches that are trained anew on the part that it keeps. Players that fill whole branches take no training at all.
extension ExactUtility {
    /// The stem's end without the rows of some players, and the coalitions that share it.
    private struct Stem: Sendable {
        let coalitions: [Int]
        let end: LatticeVector
        /// Whether nothing was left out of it.
        let isStored: Bool
    }

    /// A branch as some coalitions see it: those of one stem that keep the same rows of it.
    private struct Part: Hashable {
        let stem: Int
        let branch: Int
        /// Of the branch's players.
        let kept: [UInt64]
    }

    private enum Tip {
        /// No row is kept: the branch is not merged.
        case none
        case stored
        case trained(LatticeVector)
    }

    /// Ends of branches are kept in memory up to so many bytes.
    private static let mostTipBytes = 1 << 30

    func evaluateMerges(_ coalitions: [Coalition], receive: (_ index: Int, _ scores: UtilityRecord.Scores) throws -> Void) throws {
        let lineage = trainer.lineage, players = trainer.players, branches = Array(1...lineage.branches)
        let masks = branches.map { branch in
            Coalition(Set(lineage.blocks(ofBranch: branch).flatMap { players.blocks[$0 - 1].players }), of: players.count).words
        }
        let tips = try stored.map { stored in try branches.map { try stored.state(stored.tip(ofBranch: $0)) } }
        let stems = try stems(of: coalitions)
        var stemOf = [Int](repeating: 0, count: coalitions.count)
        for (number, stem) in stems.enumerated() { for index in stem.coalitions { stemOf[index] = number } }

        func part(_ index: Int, _ branch: Int) -> Part {
            Part(stem: stemOf[index], branch: branch, kept: zip(coalitions[index].words, masks[branch - 1]).map { $0 & $1 })
        }
        func rows(_ index: Int, _ branch: Int) -> (kept: Int, all: Int) {
            lineage.blocks(ofBranch: branch).reduce((0, 0)) { ($0.0 + players.blocks[$1 - 1].keptRows(coalitions[index]), $0.1 + players.blocks[$1 - 1].allRows) }
        }
        func tip(_ index: Int, _ branch: Int) -> Tip? {
            let (kept, all) = rows(index, branch)
            return kept == 0 ? Tip.none : kept == all && stems[stemOf[index]].isStored ? .stored : nil
        }

        var done = 0
        for chunk in chunks(coalitions.indices, most: max(branches.count, Self.mostTipBytes / (4 * trainer.model.count)), parts: { index in
            branches.filter { tip(index, $0) == nil }.map { part(index, $0) }
        }) {
            // Each part once, by a coalition that sees it so.
            var wanted: [Part: Int] = [:], order: [Part] = []
            for index in chunk { for branch in branches where tip(index, branch) == nil {
                let part = part(index, branch)
                if wanted.updateValue(wanted[part] ?? index, forKey: part) == nil { order.append(part) }
            } }
            let trained = try train(order.map { ($0.branch, stems[$0.stem].end, coalitions[wanted[$0]!]) })
            let ends = Dictionary(uniqueKeysWithValues: zip(order, trained))
            let doneBefore = done, indexOf = Dictionary(chunk.map { (coalitions[$0], $0) }) { first, _ in first }
            try trainer.eachCoalition(chunk.map { coalitions[$0] }, progress: { finished, _ in if order.isEmpty { progress(doneBefore + finished, coalitions.count) } },
                receive: { try receive(chunk[$0], $1) }
            ) { coalition, thread in
                let index = indexOf[coalition]!
                let merged: [LatticeVector] = branches.compactMap { branch in
                    switch tip(index, branch) {
                    case .some(Tip.none): nil
                    case .stored: tips![branch - 1]
                    default: ends[part(index, branch)]!
                    }
                }
                return try trainer.scorer.scores(stems[stemOf[index]].end.merging(merged, step: trainer.lineage.mergeStep), by: trainer.trainers[thread])
            }
            done += chunk.count
        }
        blocksTrainedFromScratch += Set(coalitions).reduce(0) { $0 + trainer.nonEmptyBlocks($1) }
    }

    /// The ends of the stem that coalitions stand on.
    private func stems(of coalitions: [Coalition]) throws -> [Stem] {
        let all = Array(coalitions.indices), length = trainer.lineage.stem
        guard length > 0 else { return [Stem(coalitions: all, end: try stored?.state(0) ?? trainer.trainers[0].initialState(), isStored: stored != nil)] }
        let trie = CoalitionTrie(coalitions, players: trainer.players, order: Array(1...length)), found = Mutex<[Stem]>([])
        try walk(trie, total: trie.blocksToTrain(storedPrefix: stored != nil).walk) { coalitions, end, isPrefix, _ in
            found.withLock { $0.append(Stem(coalitions: coalitions, end: end, isStored: isPrefix && stored != nil)) }
        }
        return found.withLock { $0 }
    }

    /// Runs of coalitions whose parts are at most so many.
    private func chunks(_ indices: Range<Int>, most: Int, parts: (Int) -> [Part]) -> [[Int]] {
        var chunks: [[Int]] = [], chunk: [Int] = [], met: Set<Part> = []
        for index in indices {
            let own = parts(index)
            if !chunk.isEmpty, met.count + own.count(where: { !met.contains($0) }) > most {
                chunks.append(chunk)
                (chunk, met) = ([], [])
            }
            chunk.append(index)
            met.formUnion(own)
        }
        return chunks + (chunk.isEmpty ? [] : [chunk])
    }

    /// Trains branches on the rows that a coalition keeps, side by side; a block of which it keeps none takes no training.
    private func train(_ parts: [(branch: Int, base: LatticeVector, coalition: Coalition)]) throws -> [LatticeVector] {
        let ends = Mutex(parts.map(\.base)), next = Atomic<Int>(0), lineage = trainer.lineage, players = trainer.players
        let total = parts.reduce(0) { sum, part in sum + lineage.blocks(ofBranch: part.branch).count { players.blocks[$0 - 1].keptRows(part.coalition) > 0 } }
        var trained = 0
        guard total > 0 else { return ends.withLock { $0 } }
        progress(0, total)
        try trainer.onThreads { thread in
            do {
                while case let number = next.add(1, ordering: .relaxed).oldValue, number < parts.count {
                    let part = parts[number]
                    var state = part.base
                    for block in lineage.blocks(ofBranch: part.branch) where players.blocks[block - 1].keptRows(part.coalition) > 0 {
                        guard !trainer.control.isInterrupted() else { throw Failure.interrupted }
                        state = try trainer.trainers[thread].train(
                            block: block, from: state, rows: trainer.rows(block: block, keeping: part.coalition), control: trainer.control)
                        trainer.locked {
                            trained += 1
                            blocksTrained += 1
                            progress(trained, total)
                        }
                    }
                    ends.withLock { $0[number] = state }
                }
            } catch {
                next.store(parts.count, ordering: .relaxed)
                throw error
            }
        }
        return ends.withLock { $0 }
    }
}
