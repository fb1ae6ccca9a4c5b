import Files

/// The bytes of all files in a folder and those below it, by path.
func rawFiles(_ folder: String) throws -> [(path: String, bytes: [UInt8])] {
    try FileSystem.names(in: folder).flatMap { name in
        let path = folder + "/" + name
        return FileSystem.isFolder(path) ? try rawFiles(path) : [(path, try FileSystem.read(path))]
    }
}
