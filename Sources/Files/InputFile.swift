/// A file of the user's that is read more than once. It is opened once, so that every pass reads the same file whatever becomes of
/// its name meanwhile; and every pass has to find the same bytes, or nothing is made of them: labels of one state of a file must
/// not meet the features of another.
public final class InputFile {
    public let path: String
    private let file: OpenFile
    /// What the first whole pass found.
    private var found: (checksum: UInt32, length: Int)?

    public init(_ path: String, _ what: String = "the path") throws {
        self.path = path
        file = try OpenFile.input(path, what)
    }

    public init(_ file: consuming OpenFile) {
        path = file.path
        self.file = file
    }

    /// A descriptor at the file's beginning for one more pass, which has to be over before the next begins; whoever gets it closes it.
    public func beginPass() throws -> Int32 { try file.rewound() }

    /// - Throws: `Failure` of kind `input` where an earlier pass to the end found something else.
    public func endPass(checksum: UInt32, length: Int) throws {
        guard let found else { return self.found = (checksum, length) }
        guard found == (checksum, length) else { throw Self.changed(path) }
    }

    public static func changed(_ path: String) -> Failure { Failure(.input, "\(path) changed while it was read; run the command again") }
}
