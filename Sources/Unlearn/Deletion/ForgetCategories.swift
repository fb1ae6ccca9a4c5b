import Checkpoints
import Training

/// A category of a table's text column, by the feature that stands for it.
struct CategoryPlace: Hashable {
    let column: Int
    let category: Int
    let feature: Int
}

extension TableEncoding {
    /// Every category, by its feature.
    var categoryPlaces: [CategoryPlace] {
        var feature = 0
        return columns.enumerated().flatMap { index, column -> [CategoryPlace] in
            defer { feature += column.features }
            guard let categories = column.categories else { return [] }
            return categories.indices.map { CategoryPlace(column: index, category: $0, feature: feature + $0) }
        }
    }
}

extension Project {
    /// The settings without the names of categories that no live row has once `slots` are gone, by part and block; nil
    /// where all names stay. The features keep their places: a forgotten category is one that no row can have.
    /// - Complexity: one pass over the rows that ends as soon as every category in question is found alive.
    func settingsForgettingCategories(of slots: [Part: [Int: Set<Int>]]) throws -> ProjectSettings? {
        guard let table = settings.table else { return nil }
        let places = table.categoryPlaces
        var orphans: Set<CategoryPlace> = []
        for (part, blocks) in slots {
            for block in try store.rowBlocks(part) where blocks[block.block] != nil {
                let record = try storedRows(block)
                for slot in blocks[block.block]! { orphans.formUnion(places.filter { record.has($0, slot: slot) }) }
            }
        }
        for part in Part.allCases {
            for block in try store.rowBlocks(part) where !orphans.isEmpty {
                let record = try storedRows(block), gone = slots[part]?[block.block] ?? []
                for slot in record.labels.indices where record.labels[slot] != RowsRecord.emptySlot && !gone.contains(slot) {
                    orphans = orphans.filter { !record.has($0, slot: slot) }
                }
            }
        }
        return orphans.isEmpty ? nil : settings.forgetting(orphans)
    }
}

extension ProjectSettings {
    /// The same without the names of these categories.
    func forgetting(_ categories: Set<CategoryPlace>) -> ProjectSettings {
        var copy = self
        copy.table = table?.forgetting(categories.map { (column: $0.column, category: $0.category) })
        return copy
    }
}

extension RowsRecord {
    /// Whether a row's category is this one: tables store single precision, 1 for the category that a row has.
    func has(_ place: CategoryPlace, slot: Int) -> Bool {
        let offset = slot * rowBytes + place.feature * bytesPerFeature
        return features.withUnsafeBytes { Float(bitPattern: UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self))) } == 1
    }
}
