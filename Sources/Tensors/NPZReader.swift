internal import CZip
import Files
import Glibc

/// An open `.npz`: a zip file with one `.npy` for each array. Only names are held in memory; arrays are streamed.
public final class NPZReader {
    public let path: String
    private let archive: OpaquePointer
    /// Entries of each name. libzip reads a NUL as a space, so that it ends no name early.
    private let entries: [String: [UInt64]]
    /// Whether every array that is read now was read to its end before. Checksums are those of the archive's directory, read once when it
    /// was opened: both passes see the same bytes, or the second fails and says that the file changed.
    public var isReadAgain = false

    /// - Throws: `Failure` of kind `input` where the file is not there or no zip file.
    /// - Complexity: O(entries) time and memory.
    public init(_ path: String) throws {
        self.path = path
        // Opened once, for as long as the archive is; libzip takes the descriptor with it.
        let descriptor = try OpenFile.input(path).rewound()
        var code: Int32 = 0
        guard let archive = zip_fdopen(descriptor, ZIP_RDONLY, &code) else {
            close(descriptor)
            var reason = zip_error_t()
            zip_error_init_with_code(&reason, code)
            defer { zip_error_fini(&reason) }
            throw Failure(.input, "\(path) is no npz file (\(String(cString: zip_error_strerror(&reason)))); save it with numpy.savez")
        }
        self.archive = archive
        var entries: [String: [UInt64]] = [:]
        for index in 0..<UInt64(max(0, zip_get_num_entries(archive, 0))) {
            guard let name = zip_get_name(archive, index, zip_flags_t(ZIP_FL_ENC_RAW)) else { continue }
            entries[String(cString: name), default: []].append(index)
        }
        self.entries = entries
    }

    deinit { zip_discard(archive) }

    /// The arrays' names without `.npy`, sorted.
    public var names: [String] { entries.keys.sorted().map { $0.hasSuffix(".npy") ? String($0.dropLast(4)) : $0 } }

    /// Opens the array `name` at its first element; nil where there is none of that name. Any other name, whatever it
    /// tries to point at, is never looked at.
    /// - Throws: `Failure` of kind `input` where the entry is damaged, of an unread type, or not as long as its shape says.
    public func array(_ name: String) throws -> NPZArray? { try reading { try open(name) } }

    fileprivate func reading<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let failure as Failure where isReadAgain && failure.kind == .input {
            throw InputFile.changed(path)
        }
    }

    private func open(_ name: String) throws -> NPZArray? {
        guard let indices = entries[name + ".npy"] else { return nil }
        let place = "\(path): array '\(name)'"
        guard indices.count == 1 else { throw Failure(.input, "\(place) is there \(indices.count) times; save the file again") }
        var status = zip_stat_t()
        let wanted = UInt64(ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD)
        guard zip_stat_index(archive, indices[0], 0, &status) == 0, status.valid & wanted == wanted else {
            throw Failure(.input, "\(place) has no readable entry; save the file again")
        }
        // Others need memory that the file chooses; NumPy writes these two.
        guard [ZIP_CM_STORE, ZIP_CM_DEFLATE].contains(Int32(status.comp_method)), status.encryption_method == ZIP_EM_NONE else {
            throw Failure(.input, "\(place) is encrypted or compressed in an unread way; save it with numpy.savez or numpy.savez_compressed")
        }
        guard let file = zip_fopen_index(archive, indices[0], 0) else {
            throw Failure(.input, "\(place) cannot be opened (\(String(cString: zip_strerror(archive)))); save the file again")
        }
        return try NPZArray(file, of: self, place: place, claimed: status.size)
    }
}

/// One array of an open `.npz`, read from its first element to its last.
public final class NPZArray {
    public let header: NPYHeader
    /// The file and the array, for messages.
    public let place: String
    private let file: OpaquePointer
    /// An open entry reads through its archive.
    private let archive: NPZReader
    private var remaining: Int

    fileprivate init(_ file: OpaquePointer, of archive: NPZReader, place: String, claimed: UInt64) throws {
        self.file = file
        self.archive = archive
        self.place = place
        do {
            let (dictionary, length) = try Self.dictionary(file, place: place)
            header = try NPYHeader(dictionary: dictionary, place: place)
            let (expected, overflow) = header.bytes.addingReportingOverflow(length)
            guard !overflow, claimed == UInt64(expected) else {
                throw Failure(.input, "\(place) takes \(claimed) bytes where its shape needs \(header.bytes) and a header; save the file again")
            }
            remaining = header.bytes
        } catch {
            // A class whose properties are not all set runs no deinit.
            zip_fclose(file)
            throw error
        }
    }

    deinit { zip_fclose(file) }

    /// Fills `buffer` with the next elements' bytes, little-endian. At the array's end its checksum is compared.
    /// - Throws: `Failure` of kind `input` where the data ends early, goes on too long or is damaged.
    public func read(exactly buffer: UnsafeMutableRawBufferPointer) throws {
        precondition(buffer.count <= remaining, "more than the array holds")
        try archive.reading {
            try Self.read(file, exactly: buffer, place: place)
            remaining -= buffer.count
            if remaining == 0 { try expectEnd() }
        }
    }

    private func expectEnd() throws {
        var byte: UInt8 = 0
        let count = zip_fread(file, &byte, 1)
        guard count <= 0 else { throw Failure(.input, "\(place) goes on behind its last element; save the file again") }
        guard count == 0 else { throw Self.damage(file, place) }
    }

    /// The header's dictionary and the length of all that comes before the first element.
    private static func dictionary(_ file: OpaquePointer, place: String) throws -> (bytes: [UInt8], length: Int) {
        func take(_ count: Int) throws -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            try bytes.withUnsafeMutableBytes { try read(file, exactly: $0, place: place) }
            return bytes
        }
        let start = try take(8)
        guard start.prefix(6).elementsEqual([0x93] + Array("NUMPY".utf8)), (1...3).contains(start[6]), start[7] == 0 else {
            throw Failure(.input, "\(place) is no array that NumPy wrote, or of a newer format; save it with numpy.savez")
        }
        let lengthBytes = try take(start[6] == 1 ? 2 : 4)
        let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= NPYHeader.longestDictionary else {
            throw Failure(.input, "\(place) claims a header of \(length) bytes; save the file again")
        }
        return (try take(length), 8 + lengthBytes.count + length)
    }

    private static func read(_ file: OpaquePointer, exactly buffer: UnsafeMutableRawBufferPointer, place: String) throws {
        var done = 0
        while done < buffer.count {
            let count = zip_fread(file, buffer.baseAddress! + done, zip_uint64_t(buffer.count - done))
            guard count >= 0 else { throw damage(file, place) }
            guard count > 0 else { throw Failure(.input, "\(place) ends early; fetch or save the file again") }
            done += Int(count)
        }
    }

    private static func damage(_ file: OpaquePointer, _ place: String) -> Failure {
        Failure(.input, "\(place) is damaged (\(String(cString: zip_file_strerror(file)))); fetch or save the file again")
    }
}
