import Glibc
import Testing

@testable import Files

@Suite("Failures")
struct FailureTests {
    @Test(
        "A failed system call says what, where, why and what to do next",
        arguments: [
            (ENOSPC, "cannot write F: No space left on device; make space and run the command again"),
            (EDQUOT, "cannot write F: Disk quota exceeded; make space and run the command again"),
            (EACCES, "cannot write F: Permission denied; check the permissions of the folder and its files"),
            (EPERM, "cannot write F: Operation not permitted; check the permissions of the folder and its files"),
            (EROFS, "cannot write F: Read-only file system; check the permissions of the folder and its files"),
            (EMFILE, "cannot write F: Too many open files; raise the limit on open files (ulimit -n)"),
            (EIO, "cannot write F: Input/output error"),
        ])
    func systemCall(code: Int32, message: String) {
        let error = SystemCallError(operation: "write", path: "F", code: code)
        #expect(error.description == message)
        #expect(error.kind == .failed)
    }

    @Test(
        "Each kind of failure keeps its number, which scripts rely on",
        arguments: [
            (FailureKind.failed, 1), (.input, 2), (.refused, 3), (.damaged, 4), (.locked, 5), (.noProject, 10), (.interrupted, 130),
        ] as [(FailureKind, Int32)])
    func exitCodes(kind: FailureKind, number: Int32) { #expect(kind.rawValue == number) }

    @Test("An interrupted system call is made again until it ends", arguments: [0, 1, 5])
    func retries(interruptions: Int) throws {
        var calls = 0
        let result = try retrying("read", "F") {
            calls += 1
            if calls <= interruptions {
                errno = EINTR
                return -1
            }
            return 42
        }
        #expect(result == 42)
        #expect(calls == interruptions + 1)
    }

    @Test("Any other failure of a system call is thrown at once")
    func throwsOthers() {
        var calls = 0
        let error = #expect(throws: SystemCallError.self) {
            try retrying("read", "F") {
                calls += 1
                errno = EIO
                return -1
            }
        }
        #expect(error == SystemCallError(operation: "read", path: "F", code: EIO))
        #expect(calls == 1)
    }
}
