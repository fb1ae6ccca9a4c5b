internal import CSodium
import Files

/// The files that a command names: a script that was changed since is another trainer.
enum ProgramFiles {
    private static let mostBytes = 1 << 28

    /// The digest of every word that is the path of a file, by the file's name. Of several files of one name the digests stand together.
    /// - Parameter folder: from which paths lead.
    static func digests(namedIn command: String, from folder: String) -> [String: String] {
        var result: [String: String] = [:]
        for word in words(of: command) {
            let path = word.hasPrefix("/") ? word : "\(folder)/\(word)"
            guard FileSystem.isFile(path), let bytes = try? FileSystem.read(input: path, most: mostBytes) else { continue }
            var digest = [UInt8](repeating: 0, count: 32)
            crypto_generichash(&digest, digest.count, bytes, UInt64(bytes.count), nil, 0)
            let text = digest.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(), name = "file \(FileSystem.name(of: word))"
            result[name] = result[name].map { "\($0) \(text)" } ?? text
        }
        return result
    }

    /// The words of a command as a shell tells them apart: by blanks that are neither quoted nor escaped. Variables and patterns stay as they are.
    static func words(of command: String) -> [String] {
        var words: [String] = [], word = "", isWord = false, quote: Character?, isEscaped = false
        for character in command {
            if isEscaped {
                word.append(character)
                isEscaped = false
            } else if let open = quote {
                if character == open { quote = nil } else if character == "\\" && open == "\"" { isEscaped = true } else { word.append(character) }
            } else if character == "\\" {
                (isEscaped, isWord) = (true, true)
            } else if character == "'" || character == "\"" {
                (quote, isWord) = (character, true)
            } else if character.isWhitespace {
                if isWord { words.append(word) }
                (word, isWord) = ("", false)
            } else {
                word.append(character)
                isWord = true
            }
        }
        return isWord ? words + [word] : words
    }
}
