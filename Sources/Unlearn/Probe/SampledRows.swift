import Checkpoints
import Training

extension Project {
    /// Slots by block of `count` live training rows drawn from the seed, out of block `position` and, where it has too few, the blocks behind it; nil
    /// where these have too few, too. What is measured on them says what a deletion costs, before anybody asks for one.
    func sampledSlots(_ count: Int, from position: Int, _ lineage: StoredLineage) throws -> [Int: Set<Int>]? {
        var chosen: [Int: Set<Int>] = [:], missing = count
        for block in try store.rowBlocks(.train) where block.block >= position && lineage.isTrained(block.block) && missing > 0 {
            let labels = try storedRows(block).labels
            var slots = labels.indices.filter { labels[$0] != RowsRecord.emptySlot }
            var random = RandomStream(seed: settings.recipe.trainer.seed, purpose: .bench, block: block.block)
            random.shuffle(&slots)
            if !slots.isEmpty { chosen[block.block] = Set(slots.prefix(missing)) }
            missing -= min(missing, slots.count)
        }
        return missing == 0 ? chosen : nil
    }
}
