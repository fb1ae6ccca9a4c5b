internal import CSystem
import Glibc

/// What another program made of a file: run to its end, without a shell, with the file as its standard input.
///
/// The program is in a process group of its own. Ctrl-C reaches this program alone, which ends the group; however the call is left,
/// no process of it is, and none waits to be asked for its status.
public struct ProgramOutput: ~Copyable {
    /// What it wrote, in memory.
    private let output: OpenFile
    /// The end of what it said to standard error.
    public let errors: [UInt8]
    /// Its exit status, or the signal that ended it.
    public let end: End

    public enum End: Equatable, Sendable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// It wrote more than is taken.
    public struct TooLong: Error {
        public let most: Int
    }

    /// - Parameters:
    ///   - program: a path, or a name that is looked for on PATH.
    ///   - input: read from its beginning.
    ///   - most: bytes that are taken.
    /// - Throws: `ProgramNotStarted`; `TooLong`; `Failure.interrupted` where a signal asks this program to stop.
    public init(of program: String, _ arguments: [String], input: borrowing OpenFile, most: Int = OpenFile.mostPiped) throws {
        let standardInput = try input.rewound()
        let child: ChildProcess
        do {
            defer { close(standardInput) }
            child = try ChildProcess(program, arguments, standardInput: standardInput, path: input.path)
        }
        let held = try OpenFile(inMemoryAs: input.path)
        (errors, end) = try child.run(into: held, most: most)
        output = held
    }
}

extension ProgramOutput {
    public consuming func takeOutput() -> OpenFile { output }
}

/// A process of ours. It is ended, if it has not ended, when the value goes away.
private final class ChildProcess {
    private let identifier: pid_t
    private let path: String
    private var pipes: [pollfd]
    private var isOver = false

    /// A message is the last thing that a program says.
    private static let mostErrors = 1 << 14

    init(_ program: String, _ arguments: [String], standardInput: Int32, path: String) throws {
        var ends: [[Int32]] = []
        defer { for pair in ends { close(pair[1]) } }
        do {
            for _ in 0..<2 {
                var pair: [Int32] = [-1, -1]
                _ = try retrying("make a pipe for", path) { Int(unlearn_pipe(&pair)) }
                ends.append(pair)
                // The program's own end waits where the pipe is full.
                _ = fcntl(pair[0], F_SETFL, O_NONBLOCK)
            }
            identifier = try startProgram(program, arguments, descriptors: [standardInput, ends[0][1], ends[1][1]])
        } catch {
            for pair in ends { close(pair[0]) }
            throw error
        }
        self.path = path
        pipes = ends.map { pollfd(fd: $0[0], events: Int16(POLLIN), revents: 0) }
    }

    deinit {
        for pipe in pipes where pipe.fd >= 0 { close(pipe.fd) }
        guard !isOver else { return }
        kill(-identifier, SIGKILL)
        while waitpid(identifier, nil, 0) < 0, errno == EINTR {}
    }

    /// Reads both pipes to their ends, then waits for the process.
    func run(into held: borrowing OpenFile, most: Int) throws -> (errors: [UInt8], end: ProgramOutput.End) {
        var chunk = [UInt8](repeating: 0, count: 1 << 16), length = 0, errors: [UInt8] = []
        while pipes.contains(where: { $0.fd >= 0 }) {
            try StopRequest.wait(for: &pipes, "wait for the program that reads", path)
            for index in pipes.indices where pipes[index].fd >= 0 && pipes[index].revents != 0 {
                let count = read(pipes[index].fd, &chunk, chunk.count)
                if count < 0, errno == EAGAIN || errno == EINTR { continue }
                guard count >= 0 else { throw SystemCallError(operation: "read", path: path, code: errno) }
                if count == 0 {
                    close(pipes[index].fd)
                    // poll passes over it.
                    pipes[index].fd = -1
                } else if index == 0 {
                    guard length + count <= most else { throw ProgramOutput.TooLong(most: most) }
                    try chunk.withUnsafeBytes { try held.write(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: length) }
                    length += count
                } else {
                    errors = (errors + chunk[..<count]).suffix(Self.mostErrors)
                }
            }
        }
        var status: Int32 = 0
        while true {
            let found = waitpid(identifier, &status, WNOHANG)
            guard found == 0 else {
                guard found == identifier else { throw SystemCallError(operation: "wait for the program that reads", path: path, code: errno) }
                break
            }
            // It has closed its pipes, and may yet take its time.
            var nothing: [pollfd] = []
            try StopRequest.wait(for: &nothing, milliseconds: 1, "wait for the program that reads", path)
        }
        isOver = true
        let signal = status & 0x7F
        return (errors, signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal))
    }
}
