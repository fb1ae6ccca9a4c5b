internal import CSodium
import Files

/// The files that a command names: a script that was changed since is another trainer.
enum ProgramFiles {
    /// Of longer files this many samples of this many bytes, evenly from the first byte to the last, stand for the whole: base weights of
    /// gigabytes are not read at every start.
    private static let longestWhole = 1 << 28, samples = 64, sampleBytes = 1 << 20

    /// The digest of every file that a command names, by the file's name: its program, as the shell finds it, words and parts of words that are
    /// paths, and of a folder of Python's its `__main__.py`. Of several files of one name the digests stand together.
    /// - Parameter folder: from which paths lead.
    static func digests(namedIn command: String, from folder: String) -> [String: String] {
        var result: [String: String] = [:]
        for path in paths(namedIn: command, from: folder) {
            guard let digest = try? digest(of: path) else { continue }
            let name = "file \(PathText.withoutControls(FileSystem.name(of: path)))"
            result[name] = result[name].map { "\($0) \(digest)" } ?? digest
        }
        return result
    }

    private static func paths(namedIn command: String, from folder: String) -> [String] {
        var found: [String] = []
        func look(at word: String) {
            let home = PathText.environment("HOME") ?? ""
            let expanded = word == "~" || word.hasPrefix("~/") ? home + word.dropFirst() : word.hasPrefix("$HOME/") ? home + word.dropFirst("$HOME".count) : word
            let path = expanded.hasPrefix("/") ? expanded : "\(folder)/\(expanded)"
            for candidate in [path, "\(path)/__main__.py"] where FileSystem.isFile(candidate) && !found.contains(candidate) { found.append(candidate) }
        }
        func look(in command: String, depth: Int) {
            let words = words(of: command)
            for (place, word) in words.enumerated() {
                look(at: word)
                // The value of an option, and what a shell within the command is to do.
                if let equals = word.firstIndex(of: "=") { look(at: String(word[word.index(after: equals)...])) }
                if depth < 3, word.contains(where: \.isWhitespace) { look(in: word, depth: depth + 1) }
                if place == 0, !word.contains("/") {
                    for folder in (PathText.environment("PATH") ?? "").split(separator: ":") where FileSystem.isFile("\(folder)/\(word)") {
                        look(at: "\(folder)/\(word)")
                        break
                    }
                }
            }
        }
        look(in: command, depth: 0)
        return found
    }

    private static func digest(of path: String) throws -> String {
        let file = try OpenFile(path, .read), length = try file.regularLength()
        var state = crypto_hash_sha256_state(), digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        crypto_hash_sha256_init(&state)
        var piece = [UInt8](repeating: 0, count: sampleBytes)
        func add(at start: Int) throws {
            let count = min(sampleBytes, length - start)
            try piece.withUnsafeMutableBytes { if count > 0 { try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count]), at: start) } }
            crypto_hash_sha256_update(&state, piece, UInt64(count))
        }
        if length <= longestWhole {
            for start in stride(from: 0, to: length, by: sampleBytes) { try add(at: start) }
        } else {
            withUnsafeBytes(of: UInt64(length).littleEndian) { _ = crypto_hash_sha256_update(&state, $0.baseAddress!.assumingMemoryBound(to: UInt8.self), 8) }
            for sample in 0..<samples { try add(at: (length - sampleBytes) * sample / (samples - 1)) }
        }
        crypto_hash_sha256_final(&state, &digest)
        return digest.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The words of a command as a shell tells them apart: by blanks and operators that are neither quoted nor escaped.
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
            } else if character.isWhitespace || "<>;&|()".contains(character) {
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
