import Files

/// Predictions as lines of a table: `id` where rows have ids, `class`, and one column of probabilities for each class.
public struct PredictionTable {
    private let classNames: [[UInt8]]
    private let hasIDs: Bool

    public init(classNames: [String], hasIDs: Bool) {
        self.classNames = classNames.map { Self.field($0) }
        self.hasIDs = hasIDs
    }

    public var header: [UInt8] {
        var line = Array((hasIDs ? "id,class" : "class").utf8)
        for name in classNames {
            line.append(UInt8(ascii: ","))
            // Quotes go round the whole field.
            line += name.first == UInt8(ascii: "\"") ? Array("\"p_".utf8) + name.dropFirst() : Array("p_".utf8) + name
        }
        return line + [UInt8(ascii: "\n")]
    }

    /// Lines of rows that come one behind the other.
    public func lines(_ ids: [String?], _ probabilities: [Float]) -> [UInt8] {
        let classes = classNames.count
        var bytes: [UInt8] = []
        bytes.reserveCapacity(ids.count * (16 + 14 * classes))
        for (row, id) in ids.enumerated() {
            if hasIDs {
                bytes += Self.field(id ?? "")
                bytes.append(UInt8(ascii: ","))
            }
            let start = row * classes
            bytes += classNames[probabilities.likeliest(start..<start + classes)]
            for place in 0..<classes {
                bytes.append(UInt8(ascii: ","))
                // The shortest decimal that reads back as the same float.
                bytes += Array(probabilities[start + place].description.utf8)
            }
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    /// Quoted where RFC 4180 asks for it.
    private static func field(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        let isPlain = !bytes.contains { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
            && bytes.first != UInt8(ascii: " ") && bytes.last != UInt8(ascii: " ")
        guard !isPlain else { return bytes }
        return [UInt8(ascii: "\"")] + bytes.flatMap { $0 == UInt8(ascii: "\"") ? [$0, $0] : [$0] } + [UInt8(ascii: "\"")]
    }
}
