/// Sums of the table of rows, one for each part of it: ids' digests are dealt out by their first bits. Whoever answers for a few rows verifies
/// their parts alone, however many others there are.
struct RowSums: Equatable {
    /// Rows of a part, about.
    private static let rowsOfPart = 64
    private static let mostBits = 24
    /// Parts whose sums stand in one row of the catalogue.
    static let partsOfChunk = 1024

    /// Of a digest, that name its part.
    let bits: Int
    /// As they stand in the catalogue.
    private(set) var chunks: [[UInt8]]
    /// Chunks that differ from what stands there.
    private(set) var changed: Set<Int> = []

    /// Of a table without a row that will have so many.
    init(rows: Int) {
        var bits = 0
        while bits < Self.mostBits, rows >> bits > Self.rowsOfPart { bits += 1 }
        self.bits = bits
        let parts = 1 << bits, ofChunk = min(parts, Self.partsOfChunk)
        chunks = [[UInt8]](repeating: [UInt8](repeating: 0, count: ofChunk * RowsSum.length), count: parts / ofChunk)
        changed = Set(chunks.indices)
    }

    /// As the catalogue has them; nil where they are none.
    init?(chunks: [[UInt8]]) {
        let length = chunks.first?.count ?? 0, parts = chunks.count * length / RowsSum.length
        guard length > 0, length % RowsSum.length == 0, chunks.allSatisfy({ $0.count == length }), parts & (parts - 1) == 0, parts <= 1 << Self.mostBits,
            length / RowsSum.length == min(parts, Self.partsOfChunk)
        else { return nil }
        bits = parts.trailingZeroBitCount
        self.chunks = chunks
    }

    var parts: Int { 1 << bits }

    func isTooFew(for rows: Int) -> Bool { rows >> bits > 4 * Self.rowsOfPart && bits < Self.mostBits }

    func part(of id: [UInt8]) -> Int { bits == 0 ? 0 : id.prefix(4).reduce(0) { $0 << 8 | Int($1) } >> (32 - bits) }

    /// No digest of a part comes before `first`, and all of them come before `end`.
    func bounds(of part: Int) -> (first: [UInt8], end: [UInt8]) {
        func start(_ part: Int) -> [UInt8] {
            // Longer than any digest is behind all that begin like it.
            part < parts ? withUnsafeBytes(of: UInt32(bits == 0 ? 0 : part << (32 - bits)).bigEndian) { Array($0) } : [UInt8](repeating: 0xFF, count: Digest.length + 1)
        }
        return (start(part), start(part + 1))
    }

    subscript(part: Int) -> RowsSum {
        let place = part % Self.partsOfChunk * RowsSum.length
        return RowsSum(bytes: Array(chunks[part / Self.partsOfChunk][place..<place + RowsSum.length]))
    }

    mutating func change(_ part: Int, _ body: (inout RowsSum) -> Void) {
        var sum = self[part]
        body(&sum)
        let chunk = part / Self.partsOfChunk, place = part % Self.partsOfChunk * RowsSum.length
        chunks[chunk].replaceSubrange(place..<place + RowsSum.length, with: sum.bytes)
        changed.insert(chunk)
    }

    mutating func areStored() { changed = [] }
}
