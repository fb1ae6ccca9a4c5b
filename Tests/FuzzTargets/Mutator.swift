/// Changes inputs the way formats break: bits, bytes, lengths near powers of two, digits, words of the format, runs left
/// out, doubled or moved, ends cut off, halves of two inputs.
public struct Mutator: Sendable {
    private let dictionary: [[UInt8]]

    public init(_ target: FuzzTarget) { dictionary = target.dictionary }

    /// Values on both sides of what 7, 8, 15, 16, 31, 32, 63 and 64 bits hold.
    private static let edges: [UInt64] = {
        let powers = [7, 8, 15, 16, 24, 30, 31, 32, 48, 62, 63].map { UInt64(1) << UInt64($0) }
        return powers + powers.map { $0 - 1 } + powers.map { $0 + 1 } + [0, 1, .max, .max - 1]
    }()

    /// One to four changes in place.
    public func mutate(_ bytes: inout [UInt8], with other: [UInt8], most: Int, using random: inout some RandomNumberGenerator) {
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&bytes, other, &random) }
        if bytes.count > most { bytes.removeLast(bytes.count - most) }
    }

    private func change(_ bytes: inout [UInt8], _ other: [UInt8], _ random: inout some RandomNumberGenerator) {
        let place = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...16, using: &random))
        switch Int.random(in: 0..<12, using: &random) {
        case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1 where !bytes.isEmpty: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: overwrite(&bytes, at: place, with: number(&random))
        case 3: replaceDigits(&bytes, from: place, &random)
        case 4: if let word = dictionary.randomElement(using: &random) { bytes.insert(contentsOf: word, at: place) }
        case 5: if let word = dictionary.randomElement(using: &random) { overwrite(&bytes, at: place, with: word) }
        case 6: bytes.removeSubrange(place..<end)
        case 7: bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
        case 8: bytes.insert(contentsOf: Array(bytes[place..<end]), at: Int.random(in: 0...bytes.count, using: &random))
        case 9: bytes.removeLast(bytes.count - place)
        case 10: bytes = Array(bytes[..<place]) + other.dropFirst(Int.random(in: 0...other.count, using: &random))
        default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        }
    }

    /// A number at an edge, in 1, 2, 4 or 8 bytes of either order.
    private func number(_ random: inout some RandomNumberGenerator) -> [UInt8] {
        let value = Self.edges.randomElement(using: &random) ?? 0, width = 1 << Int.random(in: 0...3, using: &random)
        let bytes = (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) }
        return Bool.random(using: &random) ? bytes : bytes.reversed()
    }

    private func overwrite(_ bytes: inout [UInt8], at place: Int, with word: [UInt8]) {
        for (offset, byte) in word.enumerated() where place + offset < bytes.count { bytes[place + offset] = byte }
    }

    /// Another number in the place of the next one that is written in digits.
    private func replaceDigits(_ bytes: inout [UInt8], from place: Int, _ random: inout some RandomNumberGenerator) {
        let isDigit: (UInt8) -> Bool = { (48...57).contains($0) }
        guard let start = bytes[place...].firstIndex(where: isDigit) else { return }
        let end = bytes[start...].firstIndex { !isDigit($0) } ?? bytes.count
        let edge = Self.edges.randomElement(using: &random) ?? 0
        bytes.replaceSubrange(start..<end, with: Array((Bool.random(using: &random) ? String(edge) : "-\(edge)").utf8))
    }
}
