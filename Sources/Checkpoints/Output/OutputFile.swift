import Files
import Glibc

/// What may become of a file that a user names to be written: a new one, or one in the place of another that is nobody's key and no
/// project's, where the user says so.
public enum OutputFile {
    /// Makes a folder for files to be written, where there is none, and gives its path without slashes at its end.
    /// - Parameters:
    ///   - names: of the files.
    ///   - project: the folder whose own files they must not touch.
    ///   - replacing: whether files that are there may be replaced.
    /// - Throws: kind `input` where `path` is a file, lies in no folder, is a project's own, or holds something under one of the names.
    public static func makeFolder(_ path: String, for names: [String], besideProject project: String, replacing: Bool) throws -> String {
        // A slash at the end would hide the parent.
        var path = path
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        guard !path.isEmpty else { throw Failure(.input, "no folder to write to; name one after --out") }
        guard !FileSystem.exists(path) || FileSystem.isFolder(path) else {
            throw Failure(.input, "\(path) is a file, and several files are written; name a folder")
        }
        try Store.refuseOwn(path, ofProject: project)
        try refuseProjects(path)
        try FileSystem.makeFolder(path)
        for name in names { try expect(path + "/" + name, besideProject: project, replacing: replacing) }
        return path
    }

    /// Throws where a file cannot or must not be written to a path. To be called before the work that it is to hold.
    /// - Parameter replacing: whether a file that is there may be replaced; a key or a project's own file never is.
    public static func expect(_ path: String, besideProject folder: String, replacing: Bool) throws {
        try OpenFile.expectOutput(path)
        try Store.refuseOwn(path, ofProject: folder)
        try refuseProjects(path)
        guard replacing || !FileSystem.exists(path) else {
            throw Failure(.input, "\(path) is there already; name another file, or replace it with --force")
        }
    }

    /// Throws where a path, a file's or a folder's, is that of a key or of any project's file, this one's or another's.
    public static func refuseProjects(_ path: String) throws {
        let name = FileSystem.name(of: path)
        guard !name.hasPrefix(Store.catalogueName), !Store.ownNames.contains(name) else {
            throw Failure(.input, "\(path) has the name of one of a project's own files; name another")
        }
        let isKey: Bool
        do {
            isKey = try SecretFile.isKept(at: path)
        } catch let error as SystemCallError where [EACCES, EPERM].contains(error.code) {
            throw Failure(.input, "\(path) is there and cannot be read: it may be a key, which nothing replaces; name another file")
        }
        guard !isKey else { throw Failure(.input, "\(path) is the secret key of a project, or may be one: nothing replaces it; name another file") }
        guard var place = FileSystem.place(of: path) else { return }
        while place.unicodeScalars.count > 1 {
            let folder = FileSystem.parent(of: place)
            let isObjects = FileSystem.name(of: place) == Store.objectsName
            guard !isObjects || !(Store.exists(in: folder) || FileSystem.exists(folder + "/" + Store.unfinishedName)) else {
                throw Failure(.input, "\(path) lies among the objects of the project in \(folder); name another")
            }
            place = folder
        }
    }
}
