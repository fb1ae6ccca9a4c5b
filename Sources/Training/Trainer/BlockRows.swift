/// The rows of one block as they are trained on, decoded, by slot.
public struct BlockRows: Sendable {
    /// The label of a slot whose row was deleted.
    public static let emptySlot: Int32 = -1

    /// (slots, features), row-major; the features of an empty slot are never read.
    public let features: [Float]
    /// One label a slot, or `emptySlot`.
    public let labels: [Int32]
    /// 0 where the trainer holds the rows.
    public let featureCount: Int
    /// One a slot where the trainer holds the rows, else none; those of empty slots are never read.
    public let names: [RowName]

    public init(features: [Float], labels: [Int32], featureCount: Int) {
        self.init(features, names: [], labels, featureCount: featureCount)
    }

    /// Rows that only the trainer holds.
    public init(names: [RowName], labels: [Int32]) {
        precondition(names.count == labels.count, "as many names as slots")
        self.init([], names: names, labels, featureCount: 0)
    }

    private init(_ features: [Float], names: [RowName], _ labels: [Int32], featureCount: Int) {
        precondition(features.count == labels.count * featureCount, "as many features as slots")
        self.features = features
        self.names = names
        self.labels = labels
        self.featureCount = featureCount
    }

    public var slots: Int { labels.count }
    public var liveRows: Int { labels.count { $0 != Self.emptySlot } }

    /// Some of its slots, in the order given.
    public func taking(_ slots: some Sequence<Int>) -> BlockRows {
        var (taken, named, labels) = ([Float](), [RowName](), [Int32]())
        for slot in slots {
            taken += features[slot * featureCount..<(slot + 1) * featureCount]
            if !names.isEmpty { named.append(names[slot]) }
            labels.append(self.labels[slot])
        }
        return BlockRows(taken, names: named, labels, featureCount: featureCount)
    }

    /// Rows one behind the other; at least one part.
    public init(joining parts: [BlockRows]) {
        self.init(parts.flatMap(\.features), names: parts.flatMap(\.names), parts.flatMap(\.labels), featureCount: parts[0].featureCount)
    }

    /// The same slots under other labels.
    public func labelled(_ labels: [Int32]) -> BlockRows { BlockRows(features, names: names, labels, featureCount: featureCount) }
}
