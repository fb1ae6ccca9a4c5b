import Foundation
import TestSupport
import Testing

@testable import Files

@Suite("Folder lock")
struct FolderLockTests {
    @Test("A lock that is a link to another file is not followed")
    func link() throws {
        let target = try folder.write("precious", to: "target")
        #expect(symlink(target, path) == 0)
        #expect(refusal() == foreign)
        #expect(try FileSystem.read(target) == Array("precious".utf8))
    }

    @Test("A file that is no lock is not written over, nor one that has a second name", arguments: ["precious", "12 eggs", "123456789012345678901", "12"])
    func foreign(content: String) throws {
        let file = try folder.write(content, to: "theirs")
        #expect(Glibc.link(file, path) == 0)
        #expect(refusal() == foreign)
        #expect(try FileSystem.read(file) == Array(content.utf8))
        #expect(unlink(file) == 0)
        if content == "12" {
            #expect(throws: Never.self) { _ = try FolderLock(path) }
        } else {
            #expect(refusal() == foreign)
            #expect(try FileSystem.read(path) == Array(content.utf8))
        }
    }

    @Test("A folder or a pipe in the place of a lock is refused, too")
    func otherKinds() throws {
        #expect(mkdir(path, 0o700) == 0)
        #expect(refusal() == foreign)
        #expect(rmdir(path) == 0 && mkfifo(path, 0o600) == 0)
        #expect(refusal() == foreign)
    }

    private var foreign: Failure { Failure(.input, "\(path) is the name of a lock, and what lies there is none; move it elsewhere") }

    private let folder: TemporaryFolder
    private var path: String { folder.file("lock") }

    init() throws { folder = try TemporaryFolder() }

    private func refusal() -> Failure? { #expect(throws: Failure.self) { _ = try FolderLock(path) } }

    private func message(_ process: String) -> Failure {
        Failure(.locked, "the project is in use by process \(process) (\(path)); wait for it to end")
    }

    @Test("A second taker is told which process holds the folder")
    func refusesSecond() throws {
        let lock = try FolderLock(path)
        withExtendedLifetime(lock) { #expect(refusal() == message("\(getpid())")) }
    }

    @Test("The lock is free again when its holder goes away")
    func released() throws {
        do {
            let lock = try FolderLock(path)
            withExtendedLifetime(lock) { _ = refusal() }
        }
        #expect(throws: Never.self) { _ = try takingLock { try FolderLock(path) } }
    }

    @Test("A refused taker does not disturb the holder")
    func refusalKeepsLock() throws {
        let lock = try FolderLock(path)
        withExtendedLifetime(lock) {
            for _ in 0..<3 { #expect(refusal()?.kind == .locked) }
        }
    }

    @Test("What an earlier holder wrote is gone, even where it was longer")
    func overwritesOwner() throws {
        try folder.write("12345678901234567890", to: "lock")
        let lock = try FolderLock(path)
        withExtendedLifetime(lock) { #expect(refusal() == message("\(getpid())")) }
        #expect(try FileSystem.read(path) == Array("\(getpid())".utf8))
    }

    @Test("A holder that has not written its number yet shows as a question mark")
    func unknownOwner() throws {
        try folder.write("", to: "lock")
        let descriptor = open(path, O_RDWR)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        try #require(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        #expect(refusal() == message("?"))
    }

    @Test("A lock in a folder that is not there fails with the system's reason")
    func missingFolder() throws {
        let path = folder.file("absent/lock")
        let error = #expect(throws: SystemCallError.self) { _ = try FolderLock(path) }
        #expect(error == SystemCallError(operation: "open the lock", path: path, code: ENOENT))
    }

    @Test("A refused taker closes its own descriptor and no other")
    func closesOnce() throws {
        let lock = try FolderLock(path)
        defer { withExtendedLifetime(lock) {} }
        // Whoever opens a file between two closes of one number would lose it to the second.
        let lost = Counter()
        let path = path
        DispatchQueue.concurrentPerform(iterations: 2) { worker in
            for _ in 0..<20_000 {
                if worker == 0 {
                    _ = try? FolderLock(path, attempts: 1)
                } else {
                    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
                    sched_yield()
                    if close(descriptor) != 0 { lost.increment() }
                }
            }
        }
        #expect(lost.value == 0)
    }
}

private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0
    func increment() { lock.withLock { count += 1 } }
    var value: Int { lock.withLock { count } }
}
