import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Folders that are held open")
struct OpenFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What happens to the path of a folder that is held.
    enum Change: CaseIterable { case replaced, repointed }

    /// A folder that is held, whose path leads to another one with files of the same names.
    private func swapped(_ change: Change) throws -> (held: OpenFolder, own: TemporaryFolder, other: String) {
        let place = try TemporaryFolder()
        for name in ["own", "other"] {
            try FileSystem.makeFolder(place.file(name))
            try FileSystem.makeFolder(place.file(name + "/inner"))
            for file in ["a", "b", "inner/c"] { try place.write("\(name) \(file)", to: name + "/" + file) }
        }
        let held: OpenFolder
        switch change {
        case .replaced:
            held = try OpenFolder(place.file("own"))
            #expect(held.isAtItsPath)
            #expect(rename(place.file("own"), place.file("moved")) == 0)
            #expect(!held.isAtItsPath)
            #expect(rename(place.file("other"), place.file("own")) == 0)
        case .repointed:
            #expect(symlink(place.file("own"), place.file("link")) == 0)
            held = try OpenFolder(place.file("link"))
            #expect(held.isAtItsPath)
            #expect(unlink(place.file("link")) == 0 && symlink(place.file("other"), place.file("link")) == 0)
        }
        #expect(!held.isAtItsPath)
        return (held, place, change == .replaced ? "own" : "other")
    }

    /// Names and contents of all files below a folder.
    private static func contents(_ path: String) throws -> [String: String] {
        try FileSystem.names(in: path).reduce(into: [:]) { found, name in
            let inner = path + "/" + name
            if FileSystem.isFolder(inner) {
                for (below, text) in try contents(inner) { found[name + "/" + below] = text }
            } else {
                found[name] = String(decoding: try FileSystem.read(inner), as: UTF8.self)
            }
        }
    }

    private static let untouched = ["a": "own a", "b": "own b", "inner/c": "own inner/c"]

    private static func write(_ text: String, to file: borrowing OpenFile) throws {
        try Array(text.utf8).withUnsafeBytes { try file.write($0, at: 0) }
    }

    /// What is done through the held folder, and what its files are then.
    private static let deeds: [(name: String, act: @Sendable (OpenFolder) throws -> Void, left: [String: String])] = [
        ("create", { try write("new", to: try $0.open("n", .createNew)) }, untouched.merging(["n": "new"]) { $1 }),
        ("write", { try write("new", to: try $0.open("a", .write)) }, untouched.merging(["a": "new a"]) { $1 }),
        ("remove", { try $0.remove("a") }, untouched.filter { $0.key != "a" }),
        ("rename", { try $0.rename("a", to: "b") }, ["b": "own a", "inner/c": "own inner/c"]),
        ("remove a tree", { try $0.removeTree("inner") }, untouched.filter { $0.key != "inner/c" }),
        ("destroy", { try $0.destroy(["a", "b"]) }, ["inner/c": "own inner/c"]),
        ("destroy a tree", { try $0.destroyTree("inner") }, untouched.filter { $0.key != "inner/c" }),
        ("overwrite", { try $0.overwrite("a", headLength: 2) }, untouched.merging(["a": "\0\0\0\0\0"]) { $1 }),
        ("destroy in a folder within", { try OpenFolder("inner", in: $0).destroy(["c"]) }, untouched.filter { $0.key != "inner/c" }),
        (
            "look",
            {
                #expect(try $0.read("a") == Array("own a".utf8))
                #expect(try $0.length("a") == 5 && $0.length("n") == nil && $0.exists("a") && !$0.exists("n"))
                #expect(try $0.names() == ["a", "b", "inner"])
                #expect(try OpenFolder("inner", in: $0).read("c") == Array("own inner/c".utf8))
                try $0.synchronise()
            }, untouched
        ),
    ]

    @Test("Everything goes to the folder that was opened, wherever its path leads meanwhile", arguments: Change.allCases, deeds.indices)
    func held(change: Change, deed: Int) throws {
        let (held, place, other) = try swapped(change), deed = Self.deeds[deed]
        try deed.act(held)
        #expect(try Self.contents(place.file(change == .replaced ? "moved" : "own")) == deed.left, "\(deed.name)")
        let others = Self.untouched.mapValues { $0.replacing("own", with: "other") }
        #expect(try Self.contents(place.file(other)) == others, "\(deed.name)")
    }

    @Test("A folder, or a folder in it, that is not there or is no folder is named with the system's reason")
    func missing() throws {
        let path = folder.file("absent")
        let absent = #expect(throws: SystemCallError.self) { _ = try OpenFolder(path) }
        #expect(absent == SystemCallError(operation: "open the folder", path: path, code: ENOENT))
        try folder.write("x", to: "file")
        #expect(symlink(folder.path, folder.file("link")) == 0)
        let held = try OpenFolder(folder.path)
        for (name, code) in [("absent", ENOENT), ("file", ENOTDIR), ("link", ENOTDIR)] {
            let error = #expect(throws: SystemCallError.self) { _ = try OpenFolder(name, in: held) }
            #expect(error == SystemCallError(operation: "open the folder", path: folder.file(name), code: code))
        }
    }

    @Test("Links, pipes and folders are no regular files: they are not read, and have no length")
    func irregular() throws {
        try folder.write("precious", to: "target")
        #expect(symlink("target", folder.file("link")) == 0 && mkfifo(folder.file("pipe"), 0o600) == 0 && mkdir(folder.file("inner"), 0o700) == 0)
        let held = try OpenFolder(folder.path)
        for name in ["link", "pipe", "inner"] {
            #expect(throws: Failure(.damaged, "\(folder.file(name)) is no regular file")) { _ = try held.length(name) }
            #expect(throws: Failure(.damaged, "\(folder.file(name)) is no regular file")) { try held.overwrite(name, headLength: 1) }
            #expect(throws: (any Error).self) { _ = try held.read(name) }
            #expect(held.exists(name))
        }
        #expect(throws: SystemCallError.self) { _ = try held.open("link", .write) }
        #expect(try FileSystem.read(folder.file("target")) == Array("precious".utf8))
    }

    @Test("A tree is removed with what is in it; links in it are removed, not followed, and what is not there is no error")
    func removesTree() throws {
        for name in ["tree", "tree/inner", "elsewhere"] { try FileSystem.makeFolder(folder.file(name)) }
        for name in ["tree/file", "tree/inner/.hidden", "elsewhere/file"] { try folder.write("x", to: name) }
        #expect(symlink(folder.file("elsewhere"), folder.file("tree/inner/link")) == 0)
        let held = try OpenFolder(folder.path)
        for _ in 1...2 { try held.removeTree("tree") }
        try held.remove("absent")
        #expect(try held.names() == ["elsewhere"])
        #expect(try FileSystem.names(in: folder.file("elsewhere")) == ["file"])
    }

    @Test("A tree is destroyed with what is in it: the files are zeros before their names go, and links are not followed")
    func destroysTree() throws {
        let inner = try TemporaryFolder()
        for name in ["tree", "tree/inner"] { try FileSystem.makeFolder(inner.file(name)) }
        for name in ["tree/file", "tree/inner/file", "beside"] { try inner.write("secret", to: name) }
        #expect(symlink(inner.file("beside"), inner.file("tree/inner/link")) == 0)
        let opened = try ["tree/file", "tree/inner/file"].map { try #require(FileHandle(forReadingAtPath: inner.file($0))) }
        try #require(link(folder.write("precious", to: "somebody's"), inner.file("tree/inner/second name")) == 0)
        let held = try OpenFolder(inner.path)
        #expect(held.isFolder("tree") && !held.isFolder("beside") && !held.isFolder("absent"))
        for _ in 1...2 { try held.destroyTree("tree") }
        #expect(try held.names() == ["beside"] && held.read("beside") == Array("secret".utf8))
        for file in opened { #expect(try file.readToEnd() == Data(count: 6)) }
        #expect(try FileSystem.read(folder.file("somebody's")) == Array("precious".utf8))
    }

    @Test("Two listings of one folder at once do not take names from each other")
    func listings() throws {
        for number in 0..<50 { try folder.write("", to: "\(number)") }
        let held = try OpenFolder(folder.path), expected = try FileSystem.names(in: folder.path)
        for _ in 1...3 { #expect(try held.names() == expected) }
    }

    // MARK: - Destroying content

    /// Gives a file another name outside the folder, through which its content can be looked at when its own name is gone.
    private func witness(_ name: String, of folder: TemporaryFolder) throws -> String {
        let witness = self.folder.file("witness-of-" + name)
        try #require(link(folder.file(name), witness) == 0)
        return witness
    }

    @Test("A destroyed file's bytes are zeros before its name goes", arguments: [1, 5000, 1 << 20, (1 << 20) + 1, 3 << 20])
    func overwritesBeforeRemoving(length: Int) throws {
        let inner = try TemporaryFolder(), content = [UInt8](repeating: 0xA5, count: length)
        try inner.write(content, to: "secret")
        try inner.write(content, to: "kept")
        let witness = try witness("secret", of: inner)
        try OpenFolder(inner.path).destroy(["secret"])
        #expect(try FileSystem.names(in: inner.path) == ["kept"])
        #expect(try FileSystem.read(witness) == [UInt8](repeating: 0, count: length))
        #expect(try FileSystem.read(inner.file("kept")) == content)
    }

    @Test("More files than are opened at once are all destroyed; those that are not there and empty ones are no error")
    func destroysMany() throws {
        let inner = try TemporaryFolder(), names = (0..<150).map { "file-\($0)" }
        for name in names { try inner.write(name == "file-7" ? "" : "content of \(name)", to: name) }
        let witnesses = try names.map { try witness($0, of: inner) }
        try OpenFolder(inner.path).destroy(["absent"] + names + ["absent too"])
        #expect(try FileSystem.names(in: inner.path).isEmpty)
        for (name, witness) in zip(names, witnesses) {
            #expect(try FileSystem.read(witness) == [UInt8](repeating: 0, count: name == "file-7" ? 0 : "content of \(name)".utf8.count))
        }
    }

    @Test("A file that has another name elsewhere is overwritten, or spared where that is asked for", arguments: [false, true])
    func linked(isSpared: Bool) throws {
        let inner = try TemporaryFolder()
        for name in ["linked", "alone"] { try inner.write("secret", to: name) }
        let linked = try witness("linked", of: inner), alone = try #require(FileHandle(forReadingAtPath: inner.file("alone")))
        try OpenFolder(inner.path).destroy(["linked", "alone"], sparingLinked: isSpared)
        #expect(try FileSystem.names(in: inner.path).isEmpty)
        #expect(try FileSystem.read(linked) == (isSpared ? Array("secret".utf8) : [0, 0, 0, 0, 0, 0]))
        #expect(try alone.readToEnd() == Data(count: 6))
    }

    @Test("Of a sparse file, what it has on the drive is overwritten, and its holes stay holes", .timeLimit(.minutes(60)))
    func sparse() throws {
        let path = try folder.write([UInt8](repeating: 0xA5, count: 5000), to: "sparse"), far = 1 << 40
        do {
            let file = try OpenFile(path, .write)
            try [UInt8](repeating: 0xA5, count: 5000).withUnsafeBytes { try file.write($0, at: far) }
        }
        let opened = try OpenFile(path, .read), handle = try #require(FileHandle(forReadingAtPath: path))
        try OpenFolder(folder.path).destroy(["sparse"])
        for start in [0, far] {
            var bytes = [UInt8](repeating: 1, count: 5000)
            try bytes.withUnsafeMutableBytes { try opened.read(into: $0, at: start) }
            #expect(bytes.allSatisfy { $0 == 0 })
        }
        var status = stat()
        try #require(fstat(handle.fileDescriptor, &status) == 0)
        #expect(status.st_blocks < 1 << 10)
    }

    @Test("A file that its owner may not write is overwritten all the same", .enabled(if: Humble.isPossible, "root is nobody else here"))
    func unwritable() throws {
        try inOwnProcess { _ in
            try Humble.perform {
                let folder = try TemporaryFolder()
                for (name, mode) in [("a", 0o400), ("b", 0), ("c", 0o600)] as [(String, mode_t)] {
                    try folder.write("secret", to: name)
                    let file = try #require(FileHandle(forReadingAtPath: folder.file(name)))
                    try #require(chmod(folder.file(name), mode) == 0)
                    try OpenFolder(folder.path).destroy([name])
                    #expect(try file.readToEnd() == Data(count: 6))
                }
                #expect(try FileSystem.names(in: folder.path).isEmpty)
            }
        }
    }

    @Test("A link or a pipe among them is removed, and what a link points to keeps its content")
    func destroysLinks() throws {
        let inner = try TemporaryFolder()
        try folder.write("precious", to: "target")
        #expect(symlink(folder.file("target"), inner.file("link")) == 0 && mkfifo(inner.file("pipe"), 0o600) == 0)
        try OpenFolder(inner.path).destroy(["link", "pipe"])
        #expect(try FileSystem.names(in: inner.path).isEmpty)
        #expect(try FileSystem.read(folder.file("target")) == Array("precious".utf8))
    }

    @Test("A file overwritten in place has zeros to its end, and its length", arguments: [0, 1, 31, 32, 33, 100, (2 << 20) + 7])
    func overwrites(length: Int) throws {
        try folder.write([UInt8](repeating: 0xA5, count: length), to: "log")
        let held = try OpenFolder(folder.path)
        try held.overwrite("log", headLength: 32)
        #expect(try FileSystem.read(folder.file("log")) == [UInt8](repeating: 0, count: length))
        try held.overwrite("absent", headLength: 32)
        #expect(try held.names() == ["log"])
    }

    // MARK: - The door

    /// Whether a lock could be had at once by somebody who holds nothing yet.
    private func isFree(_ operation: Int32) throws -> Bool {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        try #require(descriptor >= 0)
        // A process that is being started elsewhere may hold a copy of the descriptor for a moment: closing it is not enough.
        defer {
            flock(descriptor, LOCK_UN)
            close(descriptor)
        }
        return flock(descriptor, operation | LOCK_NB) == 0
    }

    @Test("Whoever passes the door keeps it from being shut, and lets others pass; whoever shuts it keeps all others away")
    func door() throws {
        struct Stop: Error {}
        let held = try OpenFolder(folder.path)
        try held.passDoor {
            let (forOthers, toShut) = (try isFree(LOCK_SH), try isFree(LOCK_EX))
            #expect(forOthers && !toShut)
        }
        try held.shutDoor {
            let (forOthers, toShut) = (try isFree(LOCK_SH), try isFree(LOCK_EX))
            #expect(!forOthers && !toShut)
        }
        // Also behind somebody who fails.
        #expect(throws: Stop.self) { try held.passDoor { throw Stop() } }
        #expect(throws: Stop.self) { try held.shutDoor { throw Stop() } }
        #expect(try isFree(LOCK_EX))
        #expect(try held.passDoor { 1 } + held.shutDoor { 2 } == 3)
    }

    /// What happened, in its order, on several threads.
    private final class Events: @unchecked Sendable {
        private let lock = NSLock()
        private var all: [String] = []
        func note(_ event: String) { lock.withLock { all.append(event) } }
        var noted: [String] { lock.withLock { all } }
    }

    @Test("Whoever shuts the door waits until nobody passes it, and whoever comes meanwhile waits until it is open again", arguments: [false, true])
    func waits(isShut: Bool) throws {
        let first = try OpenFolder(folder.path), path = folder.path, events = Events()
        let arrived = DispatchSemaphore(value: 0), done = DispatchSemaphore(value: 0)
        let hold = { (body: () throws -> Void) throws in isShut ? try first.shutDoor(body) : try first.passDoor(body) }
        try hold {
            Thread.detachNewThread {
                do {
                    let second = try OpenFolder(path)
                    arrived.signal()
                    if isShut { try second.passDoor { events.note("second") } } else { try second.shutDoor { events.note("second") } }
                } catch {
                    events.note("\(error)")
                }
                done.signal()
            }
            arrived.wait()
            // However long the second has had by now, it is not in.
            for _ in 0..<1000 { sched_yield() }
            let isOpen = try isFree(isShut ? LOCK_SH : LOCK_EX)
            #expect(!isOpen)
            events.note("first")
        }
        done.wait()
        #expect(events.noted == ["first", "second"])
        #expect(try isFree(LOCK_EX))
    }
}
