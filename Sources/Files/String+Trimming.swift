extension StringProtocol {
    /// Without blanks and tabs at either end, blanks without width among them; line ends stay.
    package var trimmed: String { trimmed { $0.properties.generalCategory == .spaceSeparator || $0 == "\t" || $0 == "\u{200B}" } }

    /// Without scalars of this kind at either end.
    package func trimmed(of isBlank: (Unicode.Scalar) -> Bool) -> String {
        let kept = unicodeScalars.drop(while: isBlank)
        guard let last = kept.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(String.UnicodeScalarView(kept[...last]))
    }
}
