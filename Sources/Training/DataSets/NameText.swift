import Files

/// Texts that name a row, a person, a group, a class, a category or a column. They are kept for as long as there is a project, and shown in
/// tables, pages and messages.
public enum NameText {
    /// In UTF-8. Longer than any address; what is longer is another column, or a quote that never closed.
    public static let mostBytes = 4096

    /// What is wrong with a text that is to name something; nil where nothing is.
    /// - Parameter what: with its article: "a label".
    public static func fault(_ text: some StringProtocol, _ what: String) -> String? { fault(text.utf8.count, what) }

    static func fault(_ bytes: Int, _ what: String) -> String? {
        bytes <= mostBytes ? nil : "has \(what) of \(bytes) bytes, and up to \(mostBytes) are read; is it the right column, or is a quote missing?"
    }
}
