import Files

/// The outer form of every object file: a header that says what it is, and the content under a key of its own.
/// The file format is specified in Documentation/Formats.md.
struct SealedObject {
    static let magic = Array("UNLRSEAL".utf8)
    static let version: UInt16 = 1
    static let headerLength = 32

    let encryption: Encryption
    let kind: ObjectKind
    let block: Int
    /// The object's number: what tells a later version of a block's record from an earlier one.
    let number: Int
    let projectID: [UInt8]

    private func header(_ contentLength: Int) -> [UInt8] {
        var writer = ByteWriter(capacity: Self.headerLength)
        writer.append(Self.magic)
        writer.append(Self.version)
        writer.append(UInt8(encryption.rawValue))
        writer.append(UInt8(kind.rawValue))
        writer.append(UInt32(block))
        writer.append(UInt64(number))
        writer.append(UInt64(contentLength))
        return writer.bytes
    }

    private var overhead: Int { Self.headerLength + (encryption == .none ? Digest.length : SecretKey.sealOverhead) }

    /// - Parameter key: the object's own; nil where nothing is encrypted.
    func seal(_ content: [UInt8], key: SecretKey?) -> [UInt8] {
        let header = header(content.count)
        var writer = ByteWriter(capacity: content.count + overhead)
        writer.append(header)
        guard let key else {
            writer.append(content)
            return writer.sealed()
        }
        writer.append(content.withUnsafeBytes { key.seal($0, context: projectID + header) })
        return writer.bytes
    }

    /// The content, which must be what was sealed as this very object; else what is wrong, to follow the file's name.
    func open(_ file: [UInt8], key: SecretKey?) -> Result<[UInt8], Fault> {
        guard file.count >= overhead else { return .failure(.init("is too short")) }
        guard file.starts(with: Self.magic) else { return .failure(.init("is not an object file")) }
        guard file.starts(with: header(file.count - overhead)) else { return .failure(.init("is another object than the catalogue names, or cut short")) }
        return file.withUnsafeBytes { raw in
            guard let key else {
                let body = UnsafeRawBufferPointer(rebasing: raw.dropLast(Digest.length))
                guard Digest(of: body).bytes.elementsEqual(raw.suffix(Digest.length)) else { return .failure(.init("does not match its digest")) }
                return .success(Array(body.dropFirst(Self.headerLength)))
            }
            let header = Array(raw.prefix(Self.headerLength))
            guard let content = key.open(UnsafeRawBufferPointer(rebasing: raw.dropFirst(Self.headerLength)), context: projectID + header) else {
                return .failure(.init("is not what was sealed with its key"))
            }
            return .success(content)
        }
    }

    struct Fault: Error {
        let text: String
        init(_ text: String) { self.text = text }
    }
}
