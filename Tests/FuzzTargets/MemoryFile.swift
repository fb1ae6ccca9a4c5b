import Glibc
import Synchronization

/// A file in memory that parsers open by its path; a million inputs touch no disk.
struct MemoryFile: ~Copyable {
    private let descriptor: Int32
    private static let made = Atomic<Int>(0)

    init(_ bytes: [UInt8]) {
        let name = "/unlearn-fuzz-\(getpid())-\(Self.made.add(1, ordering: .relaxed).newValue)"
        descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
        precondition(descriptor >= 0 && shm_unlink(name) == 0, "no file in memory")
        precondition(bytes.isEmpty || write(descriptor, bytes, bytes.count) == bytes.count, "no room for a file in memory")
    }

    deinit { close(descriptor) }

    var path: String { "/proc/self/fd/\(descriptor)" }
}
