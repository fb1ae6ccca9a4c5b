import Glibc

/// A system call that failed: which one, on what, and the system's reason.
public struct SystemCallError: DescribedError, Equatable {
    public let operation: String
    public let path: String
    public let code: Int32

    public init(operation: String, path: String, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    public var kind: FailureKind { .failed }

    public var description: String {
        "cannot \(operation) \(path): \(String(cString: strerror(code)))\(advice)"
    }

    private var advice: String {
        switch code {
        case ENOSPC, EDQUOT: "; make space and run the command again"
        case EACCES, EPERM, EROFS: "; check the permissions of the folder and its files"
        case EFBIG: "; raise the limit on the size of files (ulimit -f), or write to a file system that holds larger ones"
        case EMFILE, ENFILE: "; raise the limit on open files (ulimit -n)"
        default: ""
        }
    }
}

/// Writes all bytes to a descriptor, whatever signals come; false where that fails, with the reason in `errno`.
public func writeAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
    var bytes = bytes
    while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno != EINTR { return false }
        bytes = bytes.dropFirst(max(0, count))
    }
    return true
}

/// Calls again while a signal interrupts, and throws any other failure (a result below zero).
func retrying(_ operation: String, _ path: String, _ call: () -> Int) throws -> Int {
    while true {
        let result = call()
        if result >= 0 { return result }
        guard errno == EINTR else { throw SystemCallError(operation: operation, path: path, code: errno) }
    }
}
