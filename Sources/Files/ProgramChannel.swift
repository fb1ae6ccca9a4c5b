internal import CSystem
import Foundation
import Glibc
import Synchronization

/// A program that is started once and spoken to in lines, over two named pipes of a folder in memory. What it prints is shown.
///
/// Pipes have names, and are not handed down as descriptors, because programs that start the ones that listen close what they do not
/// know. The program and all that it starts are in a process group of their own, which ends with this value.
public final class ProgramChannel {
    public let folder: MemoryFolder
    private let identifier: pid_t
    private let requests: Int32
    private let answers: Int32
    private let words: SpokenWords
    private var received: [UInt8] = []
    private var end: ProgramOutput.End?
    private var hasSpoken = false
    /// Bytes received in which no line ends.
    private var lookedAt = 0

    /// Whoever opens its answers anew for each of them does so within this time.
    private static let patienceWithClosed = 5.0
    /// A line is no longer: a description of thousands of tensors.
    private static let mostBytes = 1 << 24

    /// Why nothing more will be heard.
    public enum Broken: Error, Equatable {
        /// With the last thing that it printed.
        case ended(ProgramOutput.End, String)
        case silent(seconds: Double)
        /// A line without an end.
        case endless
        /// It lives, and has closed its answers.
        case closed
    }

    /// The user is heard on every thread, whatever the caller asks for besides.
    private func expectToGoOn(_ isInterrupted: () -> Bool) throws { if isInterrupted() || StopRequest.isMade { throw Failure.interrupted } }

    /// Whether what programs print is kept from the user.
    public static let isQuiet = Atomic<Bool>(false)

    /// The names of the variables by which the program finds pipes and folder.
    public static let requestsName = "UNLEARN_TRAINER_REQUESTS", answersName = "UNLEARN_TRAINER_ANSWERS", folderName = "UNLEARN_TRAINER_FOLDER"

    /// - Parameters:
    ///   - command: for the shell.
    ///   - folder: in which the program is started, where it is there.
    ///   - prefix: of each line that it prints.
    ///   - changes: of its environment; nil takes a name out of it.
    /// - Throws: `ProgramNotStarted`; `Failure` and `SystemCallError` where there is no room for pipes and folder.
    public init(_ command: String, in workingFolder: String, prefix: String, changes: [String: String?] = [:]) throws {
        // Whoever stops reading what is printed must not end this process before it has removed what lies in memory: writing fails instead.
        signal(SIGPIPE, SIG_IGN)
        folder = try MemoryFolder()
        let names = ["requests", "answers"].map { [path = folder.path] in "\(path)/\($0)" }
        for name in names {
            guard name.withPathBytes({ mkfifo($0, 0o600) }) == 0 else { throw SystemCallError(operation: "make the pipe", path: name, code: errno) }
        }
        // Held for reading, too: opening does not wait for the program, and writing never meets a pipe without a reader.
        let requests = Int32(try retrying("open", names[0]) { Int(names[0].withPathBytes { open($0, O_RDWR | O_NONBLOCK | O_CLOEXEC) }) })
        let answers: Int32
        do {
            answers = Int32(try retrying("open", names[1]) { Int(names[1].withPathBytes { open($0, O_RDONLY | O_NONBLOCK | O_CLOEXEC) }) })
        } catch {
            close(requests)
            throw error
        }
        do {
            let words = try SpokenWords(prefix: prefix)
            self.words = words
            defer { words.closeWritingEnd() }
            let nothing = Int32(try retrying("open", "/dev/null") { Int(open("/dev/null", O_RDONLY | O_CLOEXEC)) })
            defer { close(nothing) }
            var changes = changes
            changes.merge([Self.requestsName: names[0], Self.answersName: names[1], Self.folderName: FileSystem.parent(of: names[0])]) { $1 }
            identifier = try startProgram("/bin/sh", ["-c", "cd -- \"$0\" 2>/dev/null; exec \(command)", workingFolder], descriptors: [nothing, words.writingEnd, words.writingEnd], changes: changes)
        } catch {
            close(requests)
            close(answers)
            throw error
        }
        (self.requests, self.answers) = (requests, answers)
    }

    deinit {
        // A program that has left its group is told, too, and finds its requests ended.
        close(requests)
        close(answers)
        if end == nil {
            kill(-identifier, SIGKILL)
            kill(identifier, SIGKILL)
            while waitpid(identifier, nil, 0) < 0, errno == EINTR {}
        }
    }

    /// Sends one line.
    public func send(_ line: [UInt8], patience: Double, isInterrupted: () -> Bool) throws {
        var left = ArraySlice(line + [UInt8(ascii: "\n")]), waited = Wait(patience)
        while !left.isEmpty {
            let count = left.withUnsafeBytes { write(requests, $0.baseAddress, $0.count) }
            if count > 0 { left = left.dropFirst(count) }
            guard count < 0 else { continue }
            guard errno == EAGAIN || errno == EINTR else { throw SystemCallError(operation: "write to", path: folder.path, code: errno) }
            try expectLife()
            try wait(for: requests, POLLOUT, &waited, isInterrupted)
        }
    }

    /// The next line that it sends.
    public func receive(patience: Double, isInterrupted: () -> Bool) throws -> [UInt8] {
        var waited = Wait(patience), chunk = [UInt8](repeating: 0, count: 1 << 16), sinceClosed: ContinuousClock.Instant?
        while true {
            // A program that never stops sending is stopped all the same.
            try expectToGoOn(isInterrupted)
            if let newline = received[lookedAt...].firstIndex(of: UInt8(ascii: "\n")) {
                defer {
                    received.removeFirst(newline + 1)
                    lookedAt = 0
                }
                return Array(received[..<newline])
            }
            lookedAt = received.count
            guard received.count <= Self.mostBytes else { throw Broken.endless }
            // Asked first: what a program sends before it ends can be read behind its end.
            let life = Result { try expectLife() }
            let count = read(answers, &chunk, chunk.count)
            if count > 0 {
                received += chunk[..<count]
                (hasSpoken, sinceClosed) = (true, nil)
                continue
            }
            guard count == 0 || errno == EAGAIN || errno == EINTR else { throw SystemCallError(operation: "read from", path: folder.path, code: errno) }
            try life.get()
            if count == 0, hasSpoken {
                sinceClosed = sinceClosed ?? .now
                guard (ContinuousClock.now - sinceClosed!) / .seconds(1) < Self.patienceWithClosed else { throw Broken.closed }
            }
            // Where nobody holds the other side open (not yet, or no more), poll would not wait.
            try wait(for: count == 0 ? -1 : answers, POLLIN, &waited, isInterrupted)
        }
    }

    /// Lets it end by itself, for as long.
    public func awaitEnd(seconds: Double) {
        var waited = Wait(seconds)
        while (try? expectLife()) != nil, (try? wait(for: -1, POLLIN, &waited) { false }) != nil {}
    }

    private struct Wait {
        let patience: Double
        let start = ContinuousClock.now
        var isOver: Bool { (ContinuousClock.now - start) / .seconds(1) > patience }

        init(_ patience: Double) { self.patience = patience }
    }

    private func wait(for descriptor: Int32, _ event: Int32, _ waited: inout Wait, _ isInterrupted: () -> Bool) throws {
        guard !waited.isOver else { throw Broken.silent(seconds: waited.patience) }
        var one = [pollfd(fd: descriptor, events: Int16(event), revents: 0)]
        try StopRequest.wait(for: &one, "wait for", folder.path)
        try expectToGoOn(isInterrupted)
    }

    private func expectLife() throws {
        if end == nil {
            var information = siginfo_t(), status: Int32 = 0
            let result = waitid(P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT)
            // Where this process was started with children that nobody waits for, the system has taken its status.
            guard result == 0 || errno == EINTR else {
                end = .exited(0)
                throw Broken.ended(end!, words.last)
            }
            guard result == 0, information.si_signo == SIGCHLD else { return }
            // What it started must not speak for it. As long as nobody has asked for its status, its number is no other group's.
            kill(-identifier, SIGKILL)
            while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7F
            end = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
        }
        throw Broken.ended(end!, words.last)
    }
}

/// What a program prints, passed on to standard error line by line by a thread of its own.
private final class SpokenWords: Sendable {
    private let readingEnd: Int32
    let writingEnd: Int32
    private let prefix: String
    private let state = Mutex((last: "", isOver: false))

    private static let longestLine = 4000

    init(prefix: String) throws {
        var ends: [Int32] = [-1, -1]
        _ = try retrying("make a pipe for", "what the program prints") { Int(unlearn_pipe(&ends)) }
        (readingEnd, writingEnd, self.prefix) = (ends[0], ends[1], prefix)
        Thread.detachNewThread { [self] in passOn() }
    }

    func closeWritingEnd() { close(writingEnd) }

    /// The last line with anything on it; waits a moment for what was printed just before the end.
    var last: String {
        for _ in 0..<30 where !state.withLock({ $0.isOver }) { usleep(10_000) }
        return state.withLock { $0.last }
    }

    private func passOn() {
        var line: [UInt8] = [], chunk = [UInt8](repeating: 0, count: 1 << 14)
        func show() {
            // Characters that would steer a terminal are none of a program's business here.
            let text = PathText.withoutControls(String(decoding: line, as: UTF8.self))
            line.removeAll(keepingCapacity: true)
            guard text.contains(where: { $0 != " " }) else { return }
            state.withLock { $0.last = text }
            guard !ProgramChannel.isQuiet.load(ordering: .relaxed) else { return }
            MessageStream.standardError.line(prefix + text)
        }
        while true {
            let count = read(readingEnd, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            for byte in chunk[..<count] {
                if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || line.count == Self.longestLine { show() }
                if byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r") { line.append(byte) }
            }
        }
        show()
        close(readingEnd)
        state.withLock { $0.isOver = true }
    }
}
