internal import CSodium
import Files

/// The files that a command names: a script that was changed since is another trainer.
enum ProgramFiles {
    private static let mostBytes = 1 << 28

    /// The digest of every word that is the path of a file, by its name; words are told apart by blanks and quotes, as a shell would most
    /// of the time.
    static func digests(namedIn command: String) -> [String: String] {
        var result: [String: String] = [:]
        for word in command.split(whereSeparator: { " \t\n'\"".contains($0) }).map(String.init) where FileSystem.isFile(word) {
            guard let bytes = try? FileSystem.read(input: word, most: mostBytes) else { continue }
            var digest = [UInt8](repeating: 0, count: 32)
            crypto_generichash(&digest, digest.count, bytes, UInt64(bytes.count), nil, 0)
            result["file \(FileSystem.name(of: word))"] = digest.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        return result
    }
}
