import Files

/// Which rows: those that train the model, or those that score it.
public enum Part: UInt8, Sendable, CaseIterable {
    case train = 1
    case test = 2
}

/// The rows of one block as stored: a label for each slot (−1 where it is empty), the encoded features, and the ids.
public struct RowsRecord: Sendable, Equatable {
    public static let emptySlot: Int32 = -1

    public let part: Part
    public let block: Int
    public let featureCount: Int
    public let bytesPerFeature: Int
    public private(set) var labels: [Int32]
    /// slots × featureCount × bytesPerFeature; zeros in empty slots.
    public private(set) var features: [UInt8]
    /// An id for each slot, empty where the slot is.
    public private(set) var ids: [String]

    public init(part: Part, block: Int, featureCount: Int, bytesPerFeature: Int, labels: [Int32], features: [UInt8], ids: [String]) {
        precondition(features.count == labels.count * featureCount * bytesPerFeature && ids.count == labels.count)
        self.part = part
        self.block = block
        self.featureCount = featureCount
        self.bytesPerFeature = bytesPerFeature
        self.labels = labels
        self.features = features
        self.ids = ids
    }

    public var slots: Int { labels.count }
    public var rowBytes: Int { featureCount * bytesPerFeature }

    /// The same block with these slots empty: label and id gone, features zero.
    public func emptying(_ slots: some Sequence<Int>) -> RowsRecord {
        var copy = self
        for slot in slots {
            copy.labels[slot] = Self.emptySlot
            copy.ids[slot] = ""
            for index in slot * rowBytes..<(slot + 1) * rowBytes { copy.features[index] = 0 }
        }
        return copy
    }
}
