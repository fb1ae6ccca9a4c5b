/// Blanks behind a JSON text before it is sealed: the length of a sealed cell says nothing of how many digits a number in it has.
enum Padding {
    /// Lengths are multiples of this.
    static let step = 512

    static func padded(_ text: [UInt8]) -> [UInt8] {
        text + [UInt8](repeating: UInt8(ascii: " "), count: (step - text.count % step) % step)
    }

    static func removed(_ text: [UInt8]) -> ArraySlice<UInt8> {
        text[..<(text.lastIndex { $0 != UInt8(ascii: " ") }.map { $0 + 1 } ?? 0)]
    }
}
