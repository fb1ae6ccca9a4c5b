import Files
import Glibc
import TestSupport

/// One way in which a file of a project goes wrong behind the program's back.
enum Alteration: Sendable {
    case flip(String, byte: Int, bit: Int)
    case truncate(String, to: Int)
    case append(String)
    case swap(String, String)
    case remove(String)
    case empty(String)
    case folder(String)
    case pipe(String)
    case link(String, to: String)

    var name: String {
        switch self {
        case .flip(let file, let byte, let bit): "flip \(file) \(byte).\(bit)"
        case .truncate(let file, let length): "truncate \(file) to \(length)"
        case .append(let file): "append to \(file)"
        case .swap(let first, let second): "swap \(first) and \(second)"
        case .remove(let file): "remove \(file)"
        case .empty(let file): "empty \(file)"
        case .folder(let file): "folder in place of \(file)"
        case .pipe(let file): "pipe in place of \(file)"
        case .link(let file, let target): "link in place of \(file) to \(target)"
        }
    }

    var files: [String] {
        switch self {
        case .flip(let file, _, _), .truncate(let file, _), .append(let file), .remove(let file), .empty(let file), .folder(let file), .pipe(let file): [file]
        case .swap(let first, let second), .link(let first, let second): [first, second]
        }
    }

    func apply(to project: String) throws {
        func path(_ file: String) -> String { project + "/" + file }
        switch self {
        case .flip(let file, let byte, let bit):
            var bytes = try Tree.read(path(file))
            bytes[byte] ^= 1 << UInt8(bit)
            try Tree.write(bytes, to: path(file))
        case .truncate(let file, let length): try Tree.write(Array(try Tree.read(path(file)).prefix(length)), to: path(file))
        case .append(let file): try Tree.write(try Tree.read(path(file)) + [0], to: path(file))
        case .swap(let first, let second):
            let bytes = try Tree.read(path(first))
            try Tree.write(Tree.read(path(second)), to: path(first))
            try Tree.write(bytes, to: path(second))
        case .remove(let file): try FileSystem.removeTree(path(file))
        case .empty(let file): try Tree.write([], to: path(file))
        case .folder(let file):
            try FileSystem.removeTree(path(file))
            try FileSystem.makeFolder(path(file))
        case .pipe(let file):
            try FileSystem.removeTree(path(file))
            guard mkfifo(path(file), 0o600) == 0 else { throw Finding("cannot make a pipe") }
        case .link(let file, let target):
            try FileSystem.removeTree(path(file))
            guard symlink(path(target), path(file)) == 0 else { throw Finding("cannot make a link") }
        }
    }

    /// All of them for a project's folder: bits and lengths in files of each kind, the rest for every file.
    static func all(of project: String, seed: UInt64) throws -> [Alteration] {
        var random = SeededGenerator(seed)
        let files = try Tree.files(in: project)
        let kinds = Dictionary(grouping: files, by: kind)
        var all: [Alteration] = []
        for (_, alike) in kinds.sorted(by: { $0.key < $1.key }) {
            let bySize = try alike.map { (file: $0, size: try Tree.read(project + "/" + $0).count) }.sorted { ($0.size, $0.file) < ($1.size, $1.file) }
            // Unlike files whose names do not tell their kind differ in size.
            let chosen = Set([0, bySize.count / 2, bySize.count - 1])
            for (file, size) in chosen.sorted().map({ bySize[$0] }) {
                all += bytes(of: size, &random).map { .flip(file, byte: $0, bit: Int.random(in: 0..<8, using: &random)) }
                all += bytes(of: size, &random).map { .truncate(file, to: $0) }
            }
            for (first, second) in zip(alike, alike.dropFirst()) { all.append(.swap(first, second)) }
        }
        for file in files {
            all += [.append(file), .remove(file), .empty(file), .folder(file), .pipe(file)]
            if let other = kinds[kind(file)]?.first(where: { $0 != file }) { all.append(.link(file, to: other)) }
        }
        let folders = Set(files.map { FileSystem.parent(of: $0) }).subtracting(["."]).sorted()
        return all + folders.flatMap { [.remove($0), .pipe($0)] }
    }

    /// Every byte of a small file; of a big one both ends and a sample of what is between.
    private static func bytes(of size: Int, _ random: inout SeededGenerator) -> [Int] {
        guard size > 4096 else { return Array(0..<size) }
        let between = (0..<512).map { _ in Int.random(in: 256..<size - 64, using: &random) }
        return Array(0..<256) + Set(between).sorted() + Array(size - 64..<size)
    }

    /// A name without its numbers, decimal or, where there are many digits, hexadecimal.
    private static func kind(_ file: String) -> String { file.replacing(/[0-9a-f]{8,}|[0-9]+/, with: "#") }
}
