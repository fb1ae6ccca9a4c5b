import Checkpoints
import Files
import Glibc
import Tensors
import Training

/// How good a model is on a set of rows, beside what it would be to know nothing but how frequent each class is.
public struct Quality: Sendable, Encodable {
    public let accuracy: Double
    /// Mean negative log-likelihood of the true class, in nats.
    public let loss: Double
    public let rows: Int
    /// Of always predicting the frequencies that the classes have among the live training rows.
    public let baseRate: BaseRate
    /// The mean of the classes' recalls.
    public let balancedAccuracy: Double
    /// The area under the receiver operating characteristic: of the second of two classes, else the mean over classes of each against
    /// the rest. Nil where rows of one class alone are scored.
    public let auc: Double?
    /// The mean squared error of probabilities (Brier 1950): of the second of two classes, else summed over classes.
    public let brierScore: Double
    /// How far confidence lies from accuracy: the mean over 15 bins of equal width, weighted by their rows (Guo et al. 2017).
    public let calibrationError: Double
    public let classes: [ClassQuality]
    /// Whether the model tells classes apart; of one that does not, accuracy and loss are of rows as they are, and nothing else here means anything.
    public let hasClasses: Bool

    public struct BaseRate: Sendable, Codable {
        public let accuracy: Double
        public let loss: Double

        /// - Parameters:
        ///   - counts: scored rows of each class.
        ///   - frequencies: of the classes among training rows; they need not add up to 1.
        init(of counts: [Double], trainedOn frequencies: [Double]) {
            let rows = counts.reduce(0, +), all = frequencies.reduce(0, +)
            let likeliest = frequencies.indices.max { frequencies[$0] < frequencies[$1] || (frequencies[$0] == frequencies[$1] && $0 > $1) }!
            accuracy = counts[likeliest] / rows
            // A class that no training row has is as unlikely as half a row.
            loss = -zip(counts, frequencies).reduce(0) { $0 + $1.0 * log(max($1.1, 0.5) / max(all, 1)) } / rows
        }
    }

    public struct ClassQuality: Sendable, Encodable {
        public let name: String
        /// Rows of the class among those scored.
        public let rows: Int
        /// Of the rows that the model says are of the class, the share that is; nil where it says so of none.
        public let precision: Double?
        /// Of the rows of the class, the share that the model says are; nil where there are none.
        public let recall: Double?
    }

    /// - Parameters:
    ///   - probabilities: (rows, classes).
    ///   - frequencies: of the classes among training rows; they need not add up to 1.
    /// - Complexity: O(rows · classes · log rows).
    init(probabilities: [Float], labels: [Int32], classNames: [String], frequencies: [Double], hasClasses: Bool = true) {
        self.hasClasses = hasClasses
        precondition(!labels.isEmpty && probabilities.count == labels.count * classNames.count && frequencies.count == classNames.count)
        let classes = classNames.count
        var correct = 0, loss = 0.0, squares = 0.0
        var truth = [Int](repeating: 0, count: classes), named = truth, hits = truth
        var bins = [(rows: Int, right: Int, confidence: Double)](repeating: (0, 0, 0), count: Self.bins)
        for (row, label) in labels.enumerated() {
            let label = Int(label), start = row * classes, best = probabilities.likeliest(start..<start + classes)
            let confidence = Double(probabilities[start + best]), isRight = best == label
            truth[label] += 1
            named[best] += 1
            if isRight {
                correct += 1
                hits[label] += 1
            }
            loss -= log(max(Double(probabilities[start + label]), Score.leastProbability))
            if classes == 2 {
                let error = Double(probabilities[start + 1]) - (label == 1 ? 1 : 0)
                squares += error * error
            } else {
                for place in 0..<classes {
                    let error = Double(probabilities[start + place]) - (place == label ? 1 : 0)
                    squares += error * error
                }
            }
            let bin = min(Self.bins - 1, Int(confidence * Double(Self.bins)))
            bins[bin].rows += 1
            bins[bin].confidence += confidence
            if isRight { bins[bin].right += 1 }
        }
        let count = Double(labels.count)
        accuracy = Double(correct) / count
        self.loss = loss / count
        rows = labels.count
        brierScore = squares / count
        calibrationError = bins.reduce(0) { $0 + abs($1.confidence - Double($1.right)) } / count
        self.classes = (0..<classes).map { place in
            ClassQuality(
                name: classNames[place], rows: truth[place], precision: named[place] > 0 ? Double(hits[place]) / Double(named[place]) : nil,
                recall: truth[place] > 0 ? Double(hits[place]) / Double(truth[place]) : nil)
        }
        let recalls = self.classes.compactMap(\.recall)
        balancedAccuracy = recalls.reduce(0, +) / Double(recalls.count)
        let areas = (classes == 2 ? [1] : Array(0..<classes)).compactMap { Self.area(probabilities, labels, of: $0, classes: classes) }
        auc = areas.isEmpty ? nil : areas.reduce(0, +) / Double(areas.count)

        baseRate = BaseRate(of: truth.map(Double.init), trainedOn: frequencies)
    }

    private static let bins = 15

    /// The share of pairs of a row of the class and another whose probabilities stand in the right order, ties by half (Mann and Whitney
    /// 1947); nil where there is no pair.
    private static func area(_ probabilities: [Float], _ labels: [Int32], of place: Int, classes: Int) -> Double? {
        let order = labels.indices.sorted { probabilities[$0 * classes + place] < probabilities[$1 * classes + place] }
        var ranks = 0.0, positives = 0, next = 0
        while next < order.count {
            let value = probabilities[order[next] * classes + place]
            var end = next
            while end < order.count, probabilities[order[end] * classes + place] == value { end += 1 }
            // Equal ones share the mean of their ranks, which count from 1.
            let rank = Double(next + 1 + end) / 2
            let here = order[next..<end].count { labels[$0] == Int32(place) }
            ranks += rank * Double(here)
            positives += here
            next = end
        }
        let negatives = labels.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        return (ranks - Double(positives) * Double(positives + 1) / 2) / (Double(positives) * Double(negatives))
    }
}

extension [Float] {
    /// The place within a row's probabilities of the largest, the first of equals.
    func likeliest(_ row: Range<Int>) -> Int {
        var best = row.lowerBound
        for place in row where self[place] > self[best] { best = place }
        return best - row.lowerBound
    }
}

extension Project {
    /// The rows that a model is to be judged on.
    public enum ScoredRows {
        case part(Part)
        case list(IDList)
    }

    /// - Throws: `Failure` of kind `input` where no live row is left, or a list names what is not there.
    /// - Complexity: one pass over the rows that are scored, and one over the labels of all training rows.
    public func quality(of state: LatticeVector, on wanted: ScoredRows) throws -> Quality {
        var probabilities: [Float] = [], labels: [Int32] = []
        let classes = settings.classNames.count
        func add(_ rows: BlockRows) throws {
            let found = try trainer.probabilities(state: state, rows: rows)
            for slot in rows.labels.indices where rows.labels[slot] != BlockRows.emptySlot {
                probabilities += found[slot * classes..<(slot + 1) * classes]
                labels.append(rows.labels[slot])
            }
        }
        switch wanted {
        case .part(let part):
            for block in try store.rowBlocks(part) { try add(rows(block)) }
            guard !labels.isEmpty else { throw Failure(.input, "no \(part == .test ? "test" : "training") rows are left to score on") }
        case .list(let ids): try forEachBlock(of: ids) { try add($0) }
        }
        return Quality(probabilities: probabilities, labels: labels, classNames: settings.classNames, frequencies: try classCounts(.train), hasClasses: trainer.hasClasses)
    }

    /// Live rows of each class.
    func classCounts(_ part: Part) throws -> [Double] {
        var counts = [Double](repeating: 0, count: settings.classNames.count)
        for block in try store.rowBlocks(part) {
            for label in try storedRows(block).labels where label != BlockRows.emptySlot && counts.indices.contains(Int(label)) { counts[Int(label)] += 1 }
        }
        return counts
    }

    /// What the classes' frequencies among the training rows would score on the live test rows, where the model's loss there is so high that it may
    /// be no better; nil where it is surely lower, or there are no test rows. Nothing that is said of all rows alike scores better than
    /// the test rows' own frequencies: only where the model does not, the training rows' labels are read.
    func testBaseRate(unlessBeaten loss: Double) throws -> Quality.BaseRate? {
        guard trainer.hasClasses else { return nil }
        let counts = try classCounts(.test)
        guard counts.contains(where: { $0 > 0 }), loss >= Quality.BaseRate(of: counts, trainedOn: counts).loss else { return nil }
        return Quality.BaseRate(of: counts, trainedOn: try classCounts(.train))
    }
}
