/// Whether the points in a column of other rows' numbers stand where the reader takes them to stand.
///
/// `48.951` is 48951 to one writer and a little less than 49 to another, and nothing in the cell says which. What the training rows held
/// does: where every number with a point has three digits behind it, and as the other of the two they would lie nearer to the training
/// rows' mean, they were probably meant as the other.
struct GroupingDoubt {
    /// Cells that can be read in both ways, and the first of them.
    private(set) var cells = 0
    private(set) var example = ""
    /// Whether some cell can be read in one way only: whoever wrote it wrote the others, too.
    private var isSettled = false
    /// Distances from the mean, in deviations, of the numbers as they are read, and as they would be read in the other way.
    private var asRead = 0.0
    private var otherwise = 0.0

    /// - Parameters:
    ///   - value: of the cell, as it was read.
    ///   - decimalComma: whether a point was taken to stand between groups of digits.
    mutating func add(_ cell: UnsafeBufferPointer<UInt8>, value: Double, decimalComma: Bool, _ training: TableEncoding.Standardisation) {
        guard !isSettled else { return }
        guard cell.contains(UInt8(ascii: ".")) else {
            // Whoever writes decimals with a comma writes none with a point.
            if decimalComma, cell.contains(UInt8(ascii: ",")) { isSettled = true }
            return
        }
        guard Self.mayBeGrouped(cell) else {
            isSettled = true
            return
        }
        if cells == 0 { example = Cell.text(cell) }
        cells += 1
        asRead += abs(value - training.mean) / training.deviation
        otherwise += abs(value * (decimalComma ? 0.001 : 1000) - training.mean) / training.deviation
    }

    /// Whether a number's one point may as well stand between groups of digits: 48.951, but neither 0.951 nor 4895.100.
    static func mayBeGrouped(_ cell: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let point = cell.lastIndex(of: UInt8(ascii: ".")) else { return false }
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9"), whole = cell[..<point].drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        return cell.count - point == 4 && cell[(point + 1)...].allSatisfy(digits.contains) && (1...3).contains(whole.count) && whole.allSatisfy(digits.contains)
            && whole.first != UInt8(ascii: "0")
    }

    var isDoubtful: Bool { !isSettled && cells > 0 && otherwise < asRead }
}
