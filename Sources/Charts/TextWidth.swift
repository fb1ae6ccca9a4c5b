/// How wide text will be, without a font at hand: an SVG without script cannot measure. On the wide side, because too much
/// room is harmless and too little overlaps.
public enum TextWidth {
    /// In the units of `size`, the font size.
    public static func estimate(_ text: String, size: Double) -> Double {
        size * text.unicodeScalars.reduce(0) { $0 + width($1) }
    }

    /// The text, or its beginning and its end with an ellipsis between, no wider than `most`. Both ends stay because names of
    /// one house differ at either.
    public static func fit(_ text: String, size: Double, most: Double) -> String {
        let text = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        guard estimate(text, size: size) > most else { return text }
        let characters = Array(text)
        var head = 0, tail = 0
        var width = estimate("…", size: size)
        while head + tail < characters.count {
            let isHead = head <= tail * 2
            let next = isHead ? characters[head] : characters[characters.count - 1 - tail]
            width += estimate(String(next), size: size)
            if width > most { break }
            if isHead { head += 1 } else { tail += 1 }
        }
        return String(characters.prefix(head)) + "…" + String(characters.suffix(tail))
    }

    /// In ems, after DejaVu Sans, one of the widest fonts that a system shows pages in.
    private static func width(_ scalar: Unicode.Scalar) -> Double {
        switch scalar {
        case "i", "j", "l", "I", ".", ",", ":", ";", "|", "'", "!", " ", "(", ")", "[", "]", "t", "f", "r", "-": 0.42
        case "m", "M", "w", "W", "@", "%", "…", "&": 1.02
        case "A"..."Z": 0.76
        case "\u{300}"..."\u{36F}", "\u{200B}"..."\u{200D}", "\u{FE00}"..."\u{FE0F}": 0
        default: scalar.value < 0x1100 ? 0.66 : 1.05
        }
    }
}
