import Files

/// The outer form of every object file: its name, and the content under a key of its own. What it is and which block it belongs
/// to is not in the file but in the catalogue, sealed: a folder without its key tells nothing of what a deletion touched.
/// The file format is specified in Documentation/Formats.md.
struct SealedObject {
    static let magic = Array("UNLRSEAL".utf8)
    static let version: UInt16 = 2
    static let headerLength = 32
    /// In front of content that is not encrypted. It goes with the file, so that no digest of the file confirms a guess at what
    /// was in it.
    static let saltLength = 32

    let encryption: Encryption
    let kind: ObjectKind
    let block: Int
    let name: ObjectName
    let projectID: [UInt8]

    private var header: [UInt8] {
        var writer = ByteWriter(capacity: Self.headerLength)
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(UInt8(encryption.rawValue))
        writer.append([UInt8](repeating: 0, count: 5))
        writer.append(name.bytes)
        return writer.bytes
    }

    /// What binds the content to its project, its name and its place.
    private var context: [UInt8] {
        var writer = ByteWriter(capacity: 64)
        writer.append(projectID)
        writer.append(header)
        writer.append(UInt8(kind.rawValue))
        writer.append(UInt32(block))
        return writer.bytes
    }

    private var overhead: Int {
        Self.headerLength + (encryption == .none ? Self.saltLength + Digest.length : SecretKey.sealOverhead)
    }

    /// - Parameter key: the object's own; nil where nothing is encrypted.
    func seal(_ content: [UInt8], key: SecretKey?) -> [UInt8] { seal(key: key, reserving: content.count) { $0.append(content) } }

    /// The same of content that is written into its place, and sealed there.
    /// - Parameter bytes: of the content, as far as they are known: room for them.
    func seal(key: SecretKey?, reserving bytes: Int, _ write: (inout ByteWriter) throws -> Void) rethrows -> [UInt8] {
        var writer = ByteWriter(capacity: bytes + overhead)
        writer.append(header)
        guard let key else {
            writer.append(Sodium.random(Self.saltLength))
            try write(&writer)
            let digest = writer.bytes.withUnsafeBytes { plainDigest(UnsafeRawBufferPointer(rebasing: $0[Self.headerLength...])) }
            writer.append(digest.bytes)
            return writer.bytes
        }
        writer.append([UInt8](repeating: 0, count: SecretKey.nonceLength))
        try write(&writer)
        writer.change { key.seal(endOf: &$0, from: Self.headerLength, context: context) }
        return writer.bytes
    }

    private func plainDigest(_ body: UnsafeRawBufferPointer) -> Digest {
        Digest(ofPieces: { more in
            context.withUnsafeBytes(more)
            more(body)
        })
    }

    /// The content, which must be what was sealed as this very object; else what is wrong, to follow the file's name.
    func open(_ file: [UInt8], key: SecretKey?) -> Result<[UInt8], Fault> {
        var file = file
        return openInPlace(&file, key: key).map { Array(file[$0]) }
    }

    /// The same where the file's bytes stand: gives the place of the content among them.
    func openInPlace(_ file: inout [UInt8], key: SecretKey?) -> Result<Range<Int>, Fault> {
        guard file.count >= overhead else { return .failure(.init("is too short")) }
        guard file.starts(with: Self.magic) else { return .failure(.init("is not an object file")) }
        guard file.starts(with: header) else { return .failure(.init("is another object than the catalogue names")) }
        guard let key else {
            let body = Self.headerLength..<file.count - Digest.length
            let digest = file.withUnsafeBytes { plainDigest(UnsafeRawBufferPointer(rebasing: $0[body])) }
            guard digest.bytes.elementsEqual(file.suffix(Digest.length)) else { return .failure(.init("does not match its digest")) }
            return .success(body.lowerBound + Self.saltLength..<body.upperBound)
        }
        guard let content = key.open(endOf: &file, from: Self.headerLength, context: context) else { return .failure(.init("is not what was sealed with its key")) }
        return .success(content)
    }

    struct Fault: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}
