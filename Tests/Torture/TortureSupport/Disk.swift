import Files

/// A folder on a disk whose power may fail: what was synced is there, what was not may be there, whole, in part or not
/// at all.
///
/// It promises what POSIX does and no more: syncing a file keeps its bytes and its length but not its name; a name is
/// kept by syncing its folder. A renaming within a folder happens or does not. Of a write, each sector of 512 bytes
/// arrives or not.
struct Disk {
    private enum Edit {
        case write(Int, [UInt8])
        case truncate(Int)
        case extend(Int)
    }

    /// Names that change together; nil: the name goes.
    private typealias Naming = [(name: String, node: Int?)]

    private struct Node {
        var isFolder: Bool
        var bytes: [UInt8] = []
        var edits: [Edit] = []
        var synced: [String: Int] = [:]
        var namings: [Naming] = []
        /// What a program sees.
        var names: [String: Int] = [:]
        var isUnseen = false
    }

    private let root: String
    private var nodes = [Node(isFolder: true)]
    private var descriptors: [Int32: Int] = [:]
    /// What blocks held when files gave them up: whoever reads the raw drive finds it there. As on a file system that writes in
    /// place: what was overwritten, and synced, before is not among it.
    private(set) var remains: [[UInt8]] = []

    /// An empty folder; changes name files below this path.
    init(root: String) { self.root = root }

    // MARK: - What programs do

    mutating func apply(_ change: Change) throws {
        switch change.kind {
        case .process: descriptors = [:]
        case .mark: break
        case .open:
            let flags = Int32(truncatingIfNeeded: change.offset)
            if let node = find(change.path) {
                if flags & OpenFlags.truncate != 0 {
                    release(node, from: 0)
                    nodes[node].edits.append(.truncate(0))
                }
                descriptors[change.descriptor] = node
            } else {
                descriptors[change.descriptor] = try create(change.path, isFolder: false)
            }
        case .close: descriptors[change.descriptor] = nil
        case .write: try edit(change, .write(change.offset, change.payload))
        case .truncate:
            release(try node(change), from: change.offset)
            try edit(change, .truncate(change.offset))
        case .extend: try edit(change, .extend(change.offset))
        case .unseen: nodes[try node(change)].isUnseen = true
        case .sync: sync(try node(change))
        case .makeFolder: _ = try create(change.path, isFolder: true)
        case .unlink, .removeFolder: try rename([(change.path, nil)])
        case .rename:
            let (old, new) = change.paths
            try rename([(old, nil), (new, find(old))])
        case .link:
            let (old, new) = change.paths
            try rename([(new, find(old))])
        }
    }

    private func node(_ change: Change) throws -> Int {
        guard let node = descriptors[change.descriptor] else { throw Finding("the trace uses the descriptor \(change.descriptor), which it did not open") }
        return node
    }

    private mutating func edit(_ change: Change, _ edit: Edit) throws { nodes[try node(change)].edits.append(edit) }

    private mutating func sync(_ node: Int) {
        nodes[node].bytes = content(node) { _ in true }
        nodes[node].edits = []
        nodes[node].synced = nodes[node].names
        nodes[node].namings = []
    }

    private mutating func create(_ path: String, isFolder: Bool) throws -> Int {
        nodes.append(Node(isFolder: isFolder))
        try rename([(path, nodes.count - 1)])
        return nodes.count - 1
    }

    private mutating func rename(_ paths: [(path: String, node: Int?)]) throws {
        var namings: [Int: Naming] = [:]
        for (path, node) in paths {
            guard let folder = find(FileSystem.parent(of: path)) else { throw Finding("the trace names \(path), whose folder it did not make") }
            let name = path.split(separator: "/").last.map(String.init) ?? ""
            if let old = nodes[folder].names[name], old != node, !paths.contains(where: { $0.node == old }) { release(old, from: 0) }
            nodes[folder].names[name] = node
            namings[folder, default: []].append((name, node))
        }
        for (folder, naming) in namings { nodes[folder].namings.append(naming) }
    }

    private func find(_ path: String) -> Int? {
        guard path.hasPrefix(root) else { return nil }
        return path.dropFirst(root.count).split(separator: "/").filter { $0 != "." }.reduce(0 as Int?) { node, name in node.flatMap { nodes[$0].names[String(name)] } }
    }

    /// Time passes, and the system writes back what nobody asked it to.
    mutating func settle() {
        for node in nodes.indices { sync(node) }
    }

    /// A file gives up its blocks from an offset on. On the device is what was synced, or anything written since.
    private mutating func release(_ node: Int, from offset: Int) {
        guard !nodes[node].isFolder else { return }
        for bytes in [nodes[node].bytes, content(node) { _ in true }] where bytes.count > offset { remains.append(Array(bytes[offset...])) }
    }

    // MARK: - What power failure leaves

    enum Survival { case nothing, something, everything }

    /// A tree of files; nil bytes: a folder.
    typealias Image = [String: [UInt8]?]

    /// What is on the disk after power failed here. SQLite's index of its log is no file to rely on; it is left out.
    func survivors(_ survival: Survival, using random: inout some RandomNumberGenerator) throws -> Image {
        var image: Image = [:]
        try collect(0, "", survival, &random, &image)
        return image
    }

    private func collect(
        _ folder: Int, _ prefix: String, _ survival: Survival, _ random: inout some RandomNumberGenerator, _ image: inout Image
    ) throws {
        var names = nodes[folder].synced
        for naming in nodes[folder].namings where survives(survival, &random) {
            for (name, node) in naming { names[name] = node }
        }
        for (name, node) in names.sorted(by: { $0.key < $1.key }) where !name.hasSuffix("-shm") {
            if nodes[node].isUnseen { throw Finding("\(prefix + name) is written through a mapping, which the trace does not follow") }
            if nodes[node].isFolder {
                image[prefix + name] = .some(nil)
                try collect(node, prefix + name + "/", survival, &random, &image)
            } else {
                image[prefix + name] = content(node) { _ in survives(survival, &random) }
            }
        }
    }

    private func survives(_ survival: Survival, _ random: inout some RandomNumberGenerator) -> Bool {
        switch survival {
        case .nothing: false
        case .everything: true
        case .something: Bool.random(using: &random)
        }
    }

    /// A file's bytes with those edits that survive. A write is asked for sector by sector.
    private func content(_ node: Int, _ survives: (Edit) -> Bool) -> [UInt8] {
        var bytes = nodes[node].bytes
        func extend(to length: Int) { bytes += [UInt8](repeating: 0, count: max(0, length - bytes.count)) }
        for edit in nodes[node].edits {
            switch edit {
            case .truncate(let length) where survives(edit):
                bytes.removeLast(max(0, bytes.count - length))
                extend(to: length)
            case .extend(let length) where survives(edit): extend(to: length)
            case .write(let offset, let data):
                var at = 0
                while at < data.count {
                    let end = min(data.count, (offset + at) / 512 * 512 + 512 - offset)
                    if survives(edit) {
                        extend(to: offset + end)
                        bytes.replaceSubrange(offset + at..<offset + end, with: data[at..<end])
                    }
                    at = end
                }
            default: break
            }
        }
        return bytes
    }

    static func write(_ image: Image, to folder: String) throws {
        for (path, bytes) in image.sorted(by: { $0.key < $1.key }) {
            if let bytes { try Tree.write(bytes, to: folder + "/" + path) } else { try FileSystem.makeFolder(folder + "/" + path) }
        }
    }
}
