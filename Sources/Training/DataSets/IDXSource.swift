import Files

/// Images and labels in the IDX format of MNIST (yann.lecun.com/exdb/mnist), plain or gzip.
public final class IDXSource: RowSource {
    private let imagesPath: String
    private let labelsPath: String
    private let files = InputFiles()
    let encoding: FeatureEncoding
    private let givenClassNames: [String]?

    /// Rows of more features than this are taken for damage.
    private static let mostFeatures = 1 << 24

    /// - Parameters:
    ///   - mean, deviation: of the pixels as fractions of 255, used to standardise them. The default maps 0…255 to −1…1.
    ///   - classNames: of the training rows, where these are rows to be read like them.
    public init(images: String, labels: String, mean: Float = 0.5, deviation: Float = 0.5, classNames: [String]? = nil) {
        givenClassNames = classNames
        imagesPath = images
        labelsPath = labels
        encoding = .image(mean: mean, deviation: deviation)
    }

    public func survey() throws -> Survey {
        let images = try CompressedReader(files.file(imagesPath, role: "images"))
        let (count, dimensions) = try Self.readHeader(images)
        guard dimensions.count == 2 || dimensions.count == 3 else {
            throw Failure(.input, "\(imagesPath) holds \(dimensions.count + 1)-dimensional data; images are (rows, height, width)")
        }
        let shape =
            dimensions.count == 3
            ? RowShape(channels: dimensions[0], height: dimensions[1], width: dimensions[2])
            : RowShape(channels: 1, height: dimensions[0], width: dimensions[1])
        let labels = try Self.readLabels(files.file(labelsPath, role: "labels"))
        guard labels.count == count else {
            throw Failure(.input, "\(imagesPath) has \(count) images but \(labelsPath) has \(labels.count) labels; give files that belong together")
        }
        guard count > 0 else { throw Failure(.input, "\(imagesPath) has no images") }
        // Reading to the end finds a truncated file before anything is imported.
        var row = [UInt8](repeating: 0, count: shape.count)
        for position in 0..<count {
            try row.withUnsafeMutableBytes { try images.read(exactly: $0, what: "image \(position)") }
        }
        try images.expectEnd()
        // The classes are the labels that occur, not all the numbers up to the largest.
        let classNames = givenClassNames ?? Set(labels).sorted().map { String($0) }
        guard classNames.count >= 2 else { throw Failure(.input, "\(labelsPath) holds one label only, \(classNames[0]); two classes are needed") }
        let places = Dictionary(uniqueKeysWithValues: classNames.enumerated().map { ($1, Int32($0)) })
        let indices = try labels.enumerated().map { position, label in
            guard let place = places[String(label)] else {
                throw Failure(.input, "\(labelsPath): label \(label) of image \(position) does not occur in the training rows")
            }
            return place
        }
        return Survey(shape: shape, encoding: encoding, classNames: classNames, labels: indices, groups: [], groupNames: [], hasIDs: false)
    }

    public func forEachRow(_ body: (Int, String?, UnsafeRawBufferPointer) throws -> Void) throws {
        let images = try CompressedReader(files.file(imagesPath, role: "images"))
        let (count, dimensions) = try Self.readHeader(images)
        var row = [UInt8](repeating: 0, count: dimensions.reduce(1, *))
        for position in 0..<count {
            try row.withUnsafeMutableBytes { try images.read(exactly: $0, what: "image \(position)") }
            try row.withUnsafeBytes { try body(position, nil, $0) }
        }
        // The end of a pass, where it is compared with the first.
        try images.expectEnd()
    }

    /// The number of items and the dimensions of one item of unsigned bytes.
    private static func readHeader(_ reader: CompressedReader) throws -> (count: Int, dimensions: [Int]) {
        var magic = [UInt8](repeating: 0, count: 4)
        try magic.withUnsafeMutableBytes { try reader.read(exactly: $0, what: "the IDX header") }
        guard magic[0] == 0, magic[1] == 0 else { throw Failure(.input, "\(reader.path) is not an IDX file (it begins with \(magic[0]), \(magic[1]))") }
        guard magic[2] == 8 else { throw Failure(.input, "\(reader.path) holds IDX type \(magic[2]); only unsigned bytes (8) are read") }
        guard (1...4).contains(magic[3]) else { throw Failure(.input, "\(reader.path) claims \(magic[3]) dimensions; 1 to 4 are read") }
        var sizes = [UInt8](repeating: 0, count: 4 * Int(magic[3]))
        try sizes.withUnsafeMutableBytes { try reader.read(exactly: $0, what: "the IDX header") }
        let values = (0..<Int(magic[3])).map { index in sizes[4 * index..<4 * index + 4].reduce(0) { $0 << 8 | Int($1) } }
        let item = Array(values.dropFirst())
        var features = 1
        for dimension in item {
            let (product, overflow) = features.multipliedReportingOverflow(by: dimension)
            guard !overflow, product > 0, product <= mostFeatures else {
                throw Failure(.input, "\(reader.path) claims items of size \(item.map(String.init).joined(separator: "×")); the header is damaged")
            }
            features = product
        }
        return (values[0], item)
    }

    private static func readLabels(_ file: InputFile) throws -> [UInt8] {
        let reader = try CompressedReader(file), path = file.path
        let (count, dimensions) = try readHeader(reader)
        guard dimensions.isEmpty else { throw Failure(.input, "\(path) is not a label file: it has \(dimensions.count + 1) dimensions, not 1") }
        // Grown as bytes arrive, so that a wrong count costs no memory.
        var labels: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while labels.count < count {
            let wanted = min(chunk.count, count - labels.count)
            try chunk.withUnsafeMutableBytes {
                try reader.read(exactly: UnsafeMutableRawBufferPointer(rebasing: $0[..<wanted]), what: "label \(labels.count)")
            }
            labels += chunk[..<wanted]
        }
        try reader.expectEnd()
        return labels
    }
}
