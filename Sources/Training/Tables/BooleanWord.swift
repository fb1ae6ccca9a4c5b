/// A word for yes or for no, and the languages in which it is one.
///
/// A column is one of booleans only where a single language says all of its cells. `no` is Norway where `se` stands beside it, `on` is
/// Ontario, `ja` Japanese, and a column of `f`, `n`, `t` and `y` holds four codes: such columns are categories. Two different texts of one
/// language lose nothing as one feature, whatever they mean, so that Norway beside Slovenia (`no` and `si`) may be taken for Spanish.
struct BooleanWord {
    let value: Bool
    /// A bit for each pair of `pairs` that has the word.
    let languages: UInt16
    /// Whether it can be nothing else, even where it is the only word of its column: shorter ones are codes of countries, languages and much else.
    let isSure: Bool

    static let allLanguages = UInt16.max

    /// What one writer uses for yes and for no in one column. English stands three times: `yes` beside `false` may be one column of two
    /// programs, `n` beside `f` hardly.
    private static let pairs: [(yes: [String], no: [String])] = [
        (["true", "yes"], ["false", "no"]), (["true", "t"], ["false", "f"]), (["yes", "y"], ["no", "n"]), (["on"], ["off"]),
        (["ja"], ["nein"]), (["ja"], ["nee"]), (["ja"], ["nej"]), (["ja"], ["nei"]),
        (["oui"], ["non"]), (["si", "sí", "sì"], ["no"]), (["sim"], ["não", "nao"]),
        // As spreadsheets write TRUE and FALSE in German, French, Spanish and Italian.
        (["wahr"], ["falsch"]), (["vrai"], ["faux"]), (["verdadero"], ["falso"]), (["vero"], ["falso"]),
    ]

    private static let words: [String: BooleanWord] = {
        var words: [String: BooleanWord] = [:]
        for (language, pair) in pairs.enumerated() {
            for (texts, value) in [(pair.yes, true), (pair.no, false)] {
                for text in texts {
                    words[text] = BooleanWord(value: value, languages: (words[text]?.languages ?? 0) | 1 << UInt16(language), isSure: text.count >= 3)
                }
            }
        }
        return words
    }()

    private static let longest = words.keys.map(\.utf8.count).max()!
    /// Letters that such words begin with, small; most text of a table begins with another one, and only what is left becomes a string.
    private static let firstLetters = Set(words.keys.map { $0.utf8.first! })

    private init(value: Bool, languages: UInt16, isSure: Bool) {
        (self.value, self.languages, self.isSure) = (value, languages, isSure)
    }

    /// Nil where a cell, without the blanks around it, is no such word; case does not count.
    init?(_ trimmed: UnsafeBufferPointer<UInt8>) {
        guard let first = trimmed.first, trimmed.count <= Self.longest, Self.firstLetters.contains(first | 0x20), let word = Self.words[Cell.text(trimmed).lowercased()]
        else { return nil }
        self = word
    }
}
