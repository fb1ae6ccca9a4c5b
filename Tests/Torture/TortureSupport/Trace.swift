/// One change of a folder, as the fault shim writes it down.
struct Change {
    enum Kind: UInt32 {
        case process = 1, open, close, write, truncate, extend, rename, link, unlink, makeFolder, removeFolder, sync, unseen, mark
    }

    let kind: Kind
    let descriptor: Int32
    let offset: Int
    let payload: [UInt8]

    var path: String { String(decoding: payload, as: UTF8.self) }
    /// Old and new path of a renaming.
    var paths: (String, String) {
        let end = payload.firstIndex(of: 0) ?? payload.count
        return (String(decoding: payload[..<end], as: UTF8.self), String(decoding: payload[min(end + 1, payload.count)...], as: UTF8.self))
    }
}

enum Trace {
    private static let headerLength = 24

    static func decode(_ bytes: [UInt8]) throws -> [Change] {
        var changes: [Change] = []
        var at = 0
        while at < bytes.count {
            guard at + headerLength <= bytes.count else { throw Finding("the trace ends in a record's header") }
            let (kind, descriptor, offset, length) = bytes.withUnsafeBytes {
                (
                    $0.loadUnaligned(fromByteOffset: at, as: UInt32.self), $0.loadUnaligned(fromByteOffset: at + 4, as: Int32.self),
                    $0.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self), $0.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self)
                )
            }
            at += headerLength
            guard let kind = Change.Kind(rawValue: kind), length <= bytes.count - at else { throw Finding("the trace is not readable at byte \(at)") }
            changes.append(Change(kind: kind, descriptor: descriptor, offset: Int(offset), payload: Array(bytes[at..<at + Int(length)])))
            at += Int(length)
        }
        return changes
    }

    /// What is written between two programs: the first has ended and what it said stands.
    static var mark: [UInt8] {
        withUnsafeBytes(of: Change.Kind.mark.rawValue.littleEndian) { Array($0) } + [UInt8](repeating: 0, count: headerLength - 4)
    }
}
