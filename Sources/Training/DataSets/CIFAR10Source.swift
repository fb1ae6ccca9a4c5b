import Files

/// The binary version of CIFAR-10 (Krizhevsky 2009, cs.toronto.edu/~kriz/cifar.html): files of records, each one byte of
/// label and 3×32×32 bytes of pixels, plane by plane (red, green, blue), each plane row by row; plain or gzip.
public final class CIFAR10Source: RowSource {
    private let paths: [String]
    private let files = InputFiles()

    private static let shape = RowShape(channels: 3, height: 32, width: 32)
    private static let recordBytes = 1 + shape.count
    private static let classes = 10

    /// Pixels are standardised by constants, not by statistics of the rows at hand. Stored bytes have one scale for all
    /// channels; it is that of the published channels taken together: their means 0.4914, 0.4822, 0.4465 have the mean μ,
    /// and with their deviations 0.2470, 0.2435, 0.2616 all pixels deviate by √ mean(σ_c² + (μ_c − μ)²).
    static let encoding = FeatureEncoding.image(mean: 0.4734, deviation: 0.2516)

    /// - Parameter paths: of files that are read one behind the other.
    package init(paths: [String]) { self.paths = paths }

    /// The training rows (data_batch_1.bin … data_batch_5.bin) or the test rows (test_batch.bin) in a folder, or in its
    /// folder cifar-10-batches-bin, where the published archive unpacks to.
    /// - Throws: `Failure` of kind `input` where a file is not there.
    public convenience init(folder: String, test: Bool) throws {
        guard FileSystem.isFolder(folder) else {
            throw Failure(.input, "\(folder) is no folder; unpack cifar-10-binary.tar.gz and name its folder")
        }
        let names = test ? [Self.testName] : (1...5).map { "data_batch_\($0).bin" }
        self.init(
            paths: try names.map { name in
                guard let path = Self.path(of: name, in: folder) else {
                    throw Failure(.input, "no file \(name) in \(folder); unpack cifar-10-binary.tar.gz (the binary version) and name its folder")
                }
                return path
            })
    }

    /// Whether a folder brings test rows of its own.
    public static func hasTestRows(in folder: String) -> Bool { path(of: testName, in: folder) != nil }

    private static let testName = "test_batch.bin"

    private static func path(of name: String, in folder: String) -> String? {
        let unpacked = folder + "/cifar-10-batches-bin"
        let plain = (FileSystem.isFolder(unpacked) ? unpacked : folder) + "/" + name
        return [plain, plain + ".gz"].first(where: FileSystem.exists)
    }

    /// - Throws: `Failure` of kind `input` for a file that is cut, empty or of another kind.
    /// - Complexity: O(bytes of the files); memory for one record and a few bytes a row.
    public func survey() throws -> Survey {
        var labels: [Int32] = []
        try forEachRecord { labels.append(Int32($0[0])) }
        return Survey(
            shape: Self.shape, encoding: Self.encoding, classNames: (0..<Self.classes).map(String.init), labels: labels, groups: [],
            groupNames: [], hasIDs: false)
    }

    public func forEachRow(_ body: (Int, String?, UnsafeRawBufferPointer) throws -> Void) throws {
        var position = 0
        try forEachRecord { record in
            try body(position, nil, UnsafeRawBufferPointer(rebasing: record.dropFirst()))
            position += 1
        }
    }

    private func forEachRecord(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        var record = [UInt8](repeating: 0, count: Self.recordBytes)
        for path in paths {
            let file = try CompressedReader(files.file(path))
            var number = 0
            while true {
                let count = try record.withUnsafeMutableBytes { try file.read(upTo: $0) }
                if count == 0 { break }
                number += 1
                guard count == Self.recordBytes else {
                    throw Failure(.input, "\(path) ends early: record \(number) has \(count) of \(Self.recordBytes) bytes; fetch the file again")
                }
                guard record[0] < Self.classes else {
                    throw Failure(.input, "\(path), record \(number) has label \(record[0]) where CIFAR-10 has 0 to 9; fetch the file again")
                }
                try record.withUnsafeBytes(body)
            }
            guard number > 0 else { throw Failure(.input, "\(path) has no records; fetch the file again") }
        }
    }
}
