import Foundation
import Glibc
import Synchronization

/// The program under test: an executable file of which only the command line is known.
public struct Program: Sendable {
    public let path: String
    /// Added to the environment of every call.
    public var environment: [String: String] = [:]
    /// A call that takes longer hangs: a thousand times what one takes, so that no load looks like it.
    public var limit: Double = 300

    public init(path: String) { self.path = path }

    /// A file beside the running executable, where the build puts the program and the fault shim.
    public static func beside(_ name: String) -> String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent(name).path
    }

    public static var built: Program { Program(path: beside("unlearn")) }
    public static var faultShim: String { beside("libFaultShim.so") }

    public enum End: Equatable, Sendable {
        case exit(Int32)
        case signal(Int32)
        /// Ended by the caller, as asked.
        case killed
        case hung
    }

    public struct Result: Sendable {
        public let end: End
        public let output: String
        public let errors: String
        public let seconds: Double
        public var status: Int32? { if case .exit(let status) = end { status } else { nil } }
    }

    /// Runs the program to its end, or kills it without a word after so many seconds.
    public func run(_ arguments: [String], input: String = "", with more: [String: String] = [:], killAfter: Double? = nil) throws -> Result {
        let start = ContinuousClock.now
        // A pipe's end that another call's program inherits would keep the pipe open.
        let (process, output, errors) = try Self.spawning.withLock { _ in
            let standardInput = try ChildPipe(), output = try ChildPipe(), errors = try ChildPipe()
            // Inputs are short: they fit the pipe before anybody reads.
            try standardInput.fill(input)
            let process = try spawn(arguments, more, standardInput.readEnd, output.writeEnd, errors.writeEnd)
            for pipe in [output, errors] { pipe.closeWriteEnd() }
            return (process, output, errors)
        }
        func elapsed() -> Double { (ContinuousClock.now - start) / .seconds(1) }

        var killed = false, hung = false
        var texts: [[UInt8]] = [[], []]
        var open = [true, true]
        while open.contains(true) {
            let deadline = killed || hung ? limit + 10 : min(limit, killAfter ?? limit)
            let left = max(0, deadline - elapsed())
            var polls = [output, errors].enumerated().map { pollfd(fd: open[$0] ? $1.readEnd : -1, events: Int16(POLLIN), revents: 0) }
            // A whole millisecond is much in a program's short life: the rest is slept.
            if poll(&polls, 2, Int32(left * 1000)) == 0 {
                usleep(UInt32(max(0, (left * 1e6).truncatingRemainder(dividingBy: 1000))))
                guard !killed, !hung else { break }
                if let killAfter, killAfter < limit { killed = true } else { hung = true }
                kill(process, SIGKILL)
                continue
            }
            for (index, pipe) in [output, errors].enumerated() where polls[index].revents != 0 {
                let bytes = pipe.read()
                if bytes.isEmpty { open[index] = false } else { texts[index] += bytes }
            }
        }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        let end: End =
            if status & 0x7f == 0 { .exit(status >> 8 & 0xff) } else if hung { .hung } else if killed { .killed } else { .signal(status & 0x7f) }
        return Result(
            end: end, output: String(decoding: texts[0], as: UTF8.self), errors: String(decoding: texts[1], as: UTF8.self), seconds: elapsed())
    }

    private static let spawning = Mutex(())

    private func spawn(_ arguments: [String], _ more: [String: String], _ input: Int32, _ output: Int32, _ errors: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (from, to) in [(input, STDIN_FILENO), (output, STDOUT_FILENO), (errors, STDERR_FILENO)] {
            posix_spawn_file_actions_adddup2(&actions, from, to)
        }
        var variables = ProcessInfo.processInfo.environment
        for name in ["UNLEARN_PROJECT", "UNLEARN_KEY_FILE", "LD_PRELOAD"] { variables[name] = nil }
        variables.merge(environment) { $1 }
        variables.merge(more) { $1 }
        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, path, &actions, nil, &argv, &envp)
        guard code == 0 else { throw Finding("cannot run \(path): \(String(cString: strerror(code)))") }
        return process
    }
}

/// A pipe to or from a program.
private final class ChildPipe {
    let readEnd: Int32
    private(set) var writeEnd: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Finding("cannot make a pipe: \(String(cString: strerror(errno)))") }
        (readEnd, writeEnd) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }

    deinit {
        close(readEnd)
        closeWriteEnd()
    }

    func fill(_ text: String) throws {
        let bytes = Array(text.utf8)
        guard bytes.count < 60_000, write(writeEnd, bytes, bytes.count) == bytes.count else { throw Finding("an input is too long for a pipe") }
        closeWriteEnd()
    }

    func read() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(readEnd, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }
}
