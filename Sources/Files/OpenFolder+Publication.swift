import Glibc

/// Files that are there whole or not at all.
extension OpenFolder {
    /// Writes a file beside its place under a name that nobody else has, syncs it, renames it, and syncs the folder. After it
    /// returns, the file is there even if the power fails; before, nothing is visible under `name`.
    /// - Parameters:
    ///   - replacing: whether a file that is there may go; without it, one that came meanwhile stays.
    ///   - path: how the file was named, for messages.
    /// - Returns: whether the file was made: false where another is there and stays.
    public func publish(_ bytes: UnsafeRawBufferPointer, as name: String, replacing: Bool, path: String? = nil) throws -> Bool {
        try publish(as: name, replacing: replacing, path: path) { file in try file.write(bytes, at: 0) }
    }

    /// The same of a file that `write` fills, piece by piece.
    public func publish(as name: String, replacing: Bool, path: String? = nil, _ write: (borrowing OpenFile) throws -> Void) throws -> Bool {
        let path = path ?? self.path(of: name)
        let temporary = try writeBeside(path, write)
        do {
            let isMade = try replacing ? moveOver(temporary, to: name, path) : moveUnlessThere(temporary, to: name, path)
            if !isMade { try remove(temporary) }
            return isMade
        } catch {
            // The first error is the one to hear of.
            try? remove(temporary)
            throw error
        }
    }

    /// A new file, written and synced; gives its name.
    private func writeBeside(_ path: String, _ write: (borrowing OpenFile) throws -> Void) throws -> String {
        while true {
            // As short whatever the name: a long one leaves no room for more.
            let name = ".unlearn-" + String(UInt64.random(in: 0...UInt64.max), radix: 36) + FileSystem.temporarySuffix
            do {
                let file = try open(name, .createNew)
                do {
                    try write(file)
                    try file.synchronise()
                } catch {
                    try? remove(name)
                    throw error
                }
                return name
            } catch let error as SystemCallError where error.code == EEXIST {
                continue
            } catch let error as SystemCallError where error.path == self.path(of: name) {
                throw SystemCallError(operation: error.operation, path: path, code: error.code)
            }
        }
    }

    private func moveOver(_ name: String, to newName: String, _ path: String) throws -> Bool {
        guard name.withPathBytes({ old in newName.withPathBytes { renameat(descriptor, old, descriptor, $0) } }) == 0 else {
            throw SystemCallError(operation: "create", path: path, code: errno)
        }
        try synchronise()
        return true
    }

    /// Gives a file another name, never over one that is there.
    private func moveUnlessThere(_ name: String, to newName: String, _ path: String) throws -> Bool {
        if name.withPathBytes({ old in newName.withPathBytes { linkat(descriptor, old, descriptor, $0, 0) } }) == 0 {
            do {
                try remove(name)
                try synchronise()
            } catch {
                // The second name is this call's own, and what failed leaves nothing.
                try? remove(newName)
                throw error
            }
            return true
        }
        switch errno {
        case EEXIST: return false
        // No second name for a file on this file system (vfat, many of the network's).
        case EPERM, ENOTSUP, ENOSYS, EMLINK: return try exists(newName) ? false : moveOver(name, to: newName, path)
        case let code: throw SystemCallError(operation: "create", path: path, code: code)
        }
    }
}
