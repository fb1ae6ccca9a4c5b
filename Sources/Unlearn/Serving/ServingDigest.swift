import Checkpoints
import Files
import Tensors

/// The digest of a model as it is served: of its tensors, and of all in its description that decides how rows become predictions. Two files
/// with one such digest give the same row the same class; with one state digest alone they need not, for the names of classes or the mean
/// of a column may be others.
///
/// The tensors are in it for another reason, too. Certificates leave the house, and a digest of the description alone would let anybody who
/// holds one test a guess at a category's name, or at the mean of a column. Of this one nobody can who has not the very tensors.
public enum ServingDigest {
    /// Begins what is hashed, so that it is nothing else's digest.
    private static let purpose = "unlearn served model 1"
    /// What a file says of itself and no prediction depends on: it differs between files of one model.
    private static let beside: Set<String> = ["program_version", "project", "state_digest", "requests_answered"]

    /// BLAKE2b-256 over the purpose, the description and the tensors' names and shapes as canonical text, each ended by a line feed, and the
    /// step counts as little-endian Int32 (Documentation/Formats.md).
    public static func digest(of description: ModelDescription, _ layout: ParameterLayout, _ state: LatticeVector) throws -> Digest {
        try digest(json: Array(description.json.utf8), layout, state)
    }

    /// - Parameter json: a description as a file holds it. Every member counts, known or not: one that is written in another way is another.
    static func digest(json: [UInt8], _ layout: ParameterLayout, _ state: LatticeVector) throws -> Digest {
        var value = try StrictJSON.value(of: json, nul: .read)
        if case .object(let members) = value { value = .object(members.filter { !beside.contains($0.key) }) }
        let tensors = JSONValue.array(layout.tensors.map { .array([.string($0.name), .array($0.shape.map(JSONValue.integer))]) })
        let text = Array("\(purpose)\n\(value.canonical)\n\(tensors.canonical)\n".utf8)
        return Digest(ofPieces: { more in
            text.withUnsafeBytes(more)
            state.steps.withUnsafeBytes(more)
        })
    }
}

extension JSONValue {
    /// The one text of a value: keys sorted, those without a value left out (so that what a later version may say beside leaves the text of what does not say it
    /// as it was), nothing between, of escapes the short ones and else four digits in lower case for control
    /// characters alone. A whole number of 64 bits stands in decimal digits, however it was written, and every other as the bits of the
    /// nearest double in hexadecimal: no two programs need agree on the shortest digits of a number.
    package var canonical: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .number(let value): Int(exactly: value).map { "\($0)" } ?? "0x" + Hexadecimal.encode(withUnsafeBytes(of: value.bitPattern.bigEndian, Array.init))
        case .string(let text): Self.quoted(text)
        case .array(let values): "[" + values.map(\.canonical).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.filter { $0.value != .null }.sorted { $0.key < $1.key }.map { "\(Self.quoted($0.key)):\($0.value.canonical)" }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        // Most texts have nothing to escape.
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) { return "\"\(text)\"" }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\u{8}": quoted += "\\b"
            case "\t": quoted += "\\t"
            case "\n": quoted += "\\n"
            case "\u{C}": quoted += "\\f"
            case "\r": quoted += "\\r"
            case ..<" ": quoted += "\\u00" + Hexadecimal.encode([UInt8(scalar.value)])
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
