import Files
import Unlearn

/// A model that a certificate, or a statement of values, names.
struct CertifiedModel {
    let what: String
    /// Of its tensors.
    let state: String
    /// Of these and of all that decides how rows become predictions; nil in statements of what older versions recorded.
    let serving: String?

    /// Nil where the statement names no such model, or the next deletion has destroyed what it said of it.
    init?(what: String, state: String?, serving: String?) {
        guard let state else { return nil }
        (self.what, self.state, self.serving) = (what, state, serving)
    }

    /// Which of the models that a statement names a file is, for people.
    /// - Throws: `Failure` of kind `refused` where it is none of them, or has the tensors of one and serves rows otherwise.
    static func sentence(_ path: String, _ digests: ServedModel.FileDigests, among known: [CertifiedModel]) throws -> String {
        let alike = known.filter { $0.state == digests.state }
        // The interim model may have the tensors of the one behind the deletion.
        if let found = alike.first(where: { $0.serving == digests.serving }) { return "\(path) is \(found.what)" }
        if let found = alike.first(where: { $0.serving == nil }) {
            return "\(path) has the tensors of \(found.what); NOT compared is what it says of how rows become predictions (classes, columns, network): "
                + "the certificate names no digest of that, as an older version recorded it"
        }
        if let other = alike.first {
            throw Failure(
                .refused, "\(path) has the tensors of \(other.what), but what it says of how rows become predictions (classes, columns, network) is not what was "
                    + "signed: it was altered, or exported behind a later deletion that took a category's name; do not rely on it, and export it again")
        }
        // Whole digests might be secret keys to whoever hides these in messages; their beginnings tell them apart.
        let named = known.map { "\($0.what) is \($0.state.prefix(16))…" }.joined(separator: ", ")
        throw Failure(
            .refused, "\(path) holds the state \(digests.state.prefix(16))…, " + (named.isEmpty
                ? "and the certificate names none to compare it with: a later deletion destroyed what it said of its model"
                : "which is another model: \(named); what later requests or training made has certificates of its own"))
    }
}
