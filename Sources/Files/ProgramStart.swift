import Glibc

/// A program could not be started.
public struct ProgramNotStarted: Error {
    public let code: Int32
}

/// Starts a program in a process group of its own, with signals as a program expects them, whatever this one does with its own.
/// - Parameters:
///   - program: a path, or a name that is looked for on PATH.
///   - descriptors: its standard input, output and error.
///   - changes: of the environment; nil takes a name out of it.
/// - Throws: `ProgramNotStarted`.
func startProgram(_ program: String, _ arguments: [String], descriptors: [Int32], changes: [String: String?] = [:]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t(), attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
    }
    for (number, descriptor) in descriptors.enumerated() { posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number)) }
    var none = sigset_t(), all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    // Copies that outlive the call: bytes as they are.
    var words = ([program] + arguments).map { word in word.withPathBytes { strdup($0) } } + [nil]
    var variables = changed(environment: changes) + [nil]
    defer { for word in words + variables { free(word) } }
    var identifier = pid_t()
    let code = program.withPathBytes { posix_spawnp(&identifier, $0, &actions, &attributes, &words, &variables) }
    guard code == 0 else { throw ProgramNotStarted(code: code) }
    return identifier
}

/// This process's environment with some names changed, copied.
private func changed(environment changes: [String: String?]) -> [UnsafeMutablePointer<CChar>?] {
    var variables: [UnsafeMutablePointer<CChar>?] = [], next = environ
    while let variable = next.pointee {
        let isKept = changes.keys.allSatisfy { name in name.withCString { strncmp(variable, $0, strlen($0)) != 0 || variable[strlen($0)] != CChar(UInt8(ascii: "=")) } }
        if isKept { variables.append(strdup(variable)) }
        next += 1
    }
    for case (let name, let value?) in changes { variables.append("\(name)=\(value)".withPathBytes { strdup($0) }) }
    return variables
}
