import TestSupport
import Training

extension FuzzTarget {
    /// Two IDX files behind the first one's length in two bytes.
    static let idx = FuzzTarget(
        "idx",
        samples: [(6, 5), (9, 6)].map { count, side in
            let (images, labels) = SampleFiles.images(count, side: side, classes: 3, seed: 1)
            return joined(images, labels)
        } + [joined(SampleFiles.idx([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8]), SampleFiles.idx([2], [0, 255]))]
    ) { input in
        let (images, labels) = split(input)
        let first = MemoryFile(images), second = MemoryFile(labels)
        try readAll(IDXSource(images: first.path, labels: second.path))
    }

    /// One batch of records, alone and behind a sound one.
    static let cifar10 = FuzzTarget("cifar10", samples: [1, 2].map { SampleFiles.cifar10($0, seed: 1) } + [gzipped(SampleFiles.cifar10(3, seed: 2))]) { input in
        let file = MemoryFile(input), sound = MemoryFile(SampleFiles.cifar10(1, seed: 3))
        try readAll(CIFAR10Source(paths: [file.path]))
        try readAll(CIFAR10Source(paths: [sound.path, file.path]))
    }

    /// A compressed file on its own: what it holds may be anything.
    static let gzip = FuzzTarget(
        "gzip", samples: [gzipped(Array("id,x\na,1\n".utf8)), gzipped([UInt8](repeating: 7, count: 3000)), gzipped([]) + gzipped([1])]
    ) { input in
        let file = MemoryFile(input), reader = try CompressedReader(file.path)
        var chunk = [UInt8](repeating: 0, count: 16 * 1024), start: [UInt8] = [], total = 0
        while true {
            let count = try chunk.withUnsafeMutableBytes { try reader.read(upTo: $0) }
            try expect(count >= 0 && count <= chunk.count, "\(count) bytes in a chunk")
            if total == 0 { start = Array(chunk[..<count]) }
            total += count
            if count < chunk.count { break }
        }
        // A file that is not gzip is read as it is.
        if !input.starts(with: [0x1F, 0x8B]) { try expect(total == input.count && start.elementsEqual(input.prefix(start.count)), "a plain file was changed") }
    }

    /// A table as training rows, then the same bytes as test rows of a sound table.
    static let csv = FuzzTarget(
        "csv",
        samples: [
            "id,age,city,label,provider\nr1,30,\"Rome \"\"I\"\", old\",1,p2\nr2,40.5,Paris,10,p1\r\n\"r3\",-1e1,Rome,2,p2\n\nr4,7,\"two\nlines\",10,p3\n",
            "\u{FEFF}label,age,id,provider,city\nja,1e29,a,,x\nnein,nan,b,q,\nja,0x1p3,c,q,y\n",
        ].map { Array($0.utf8) },
        dictionary: ["id", "age", "city", "label", "provider", ",", "\"", "\"\"", "\n", "\r\n", "\u{FEFF}", "nan", "inf", "1e308", "0x1p-1074", "-0", "\0", "é"]
    ) { input in
        let file = MemoryFile(input)
        let training = TableSource(file.path, TableOptions(labelColumn: "label", idColumn: "id", groupColumn: "provider"))
        var refusal: (any Error)?
        do { try readAll(training) } catch { refusal = error }
        try readIfPossible(TableSource(file.path, TableOptions(labelColumn: "label"), encoding: soundTable, classNames: ["1", "10", "2"]))
        if let refusal { throw refusal }
    }

    /// Sparse text as training rows, then as test rows of sound ones.
    static let libsvm = FuzzTarget(
        "libsvm",
        samples: ["# rows\n+1 1:0.5 3:-2e-3 # first\n-1 qid:7 2:1\r\n\n1.0 7:3.25\t1048576:1\n-1\n", "\u{FEFF}3 1:1\n10 1:2 2:3e38\n3 2:.5"].map { Array($0.utf8) },
        dictionary: ["+1", "-1", "1.5", "1:", ":1", "1:1", "2:1e39", "qid:", "#", "\n", "\r\n", " ", "\t", "0:1", "1048577:1", "nan", "inf", "0x1p3", "1e-400", "1e400", "\0"]
    ) { input in
        let file = MemoryFile(input)
        var refusal: (any Error)?
        do { try readAll(LIBSVMSource(file.path)) } catch { refusal = error }
        try readIfPossible(LIBSVMSource(file.path, shape: RowShape(features: 2), classNames: ["-1", "01", "1", "ja"]))
        if let refusal { throw refusal }
    }

    private static let soundTable = TableEncoding(
        columns: [
            .init(name: "age", kind: .number(.init(mean: 20, deviation: 1e-3)), hasGaps: true), .init(name: "city", kind: .categories(["Rome", ""], pooled: true)),
        ])

    /// The second question about one input: its refusal says nothing of the first.
    private static func readIfPossible(_ source: any RowSource) throws {
        do { try readAll(source) } catch let fault as Fault { throw fault } catch { return }
    }

    /// A pair of files as one input.
    static func joined(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] { SampleNPZ.number(first.count, 2) + first + second }

    static func split(_ input: [UInt8]) -> (first: [UInt8], second: [UInt8]) {
        guard input.count >= 2 else { return (input, []) }
        let length = min(input.count - 2, Int(input[0]) | Int(input[1]) << 8)
        return (Array(input[2..<2 + length]), Array(input[(2 + length)...]))
    }

    /// Stored deflate blocks in a gzip frame (RFC 1952).
    private static func gzipped(_ bytes: [UInt8]) -> [UInt8] {
        [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3] + SampleNPZ.Entry("", bytes).deflated.stored + SampleNPZ.number(Int(SampleNPZ.crc32(bytes)), 4)
            + SampleNPZ.number(bytes.count, 4)
    }

    /// Surveys and visits every row of a source; what it gives must hold together.
    static func readAll(_ source: any RowSource) throws {
        let survey = try source.survey()
        try expect(survey.rows > 0 && survey.classNames.count >= 2, "\(survey.rows) rows, \(survey.classNames.count) classes")
        try expect(survey.labels.allSatisfy { survey.classNames.indices.contains(Int($0)) }, "a label of no class")
        try expect(Set(survey.classNames).count == survey.classNames.count, "a class twice")
        try expect(survey.groups.isEmpty || survey.groups.count == survey.rows, "groups of other rows")
        try expect(survey.groups.allSatisfy { survey.groupNames.indices.contains(Int($0)) }, "a group without a name")
        var rows = 0
        try source.forEachRow { position, id, features in
            try expect(position == rows && (id != nil) == survey.hasIDs && id?.isEmpty != true, "row \(position) in place \(rows), or its id")
            try expect(features.count == survey.shape.count * survey.encoding.bytesPerFeature, "\(features.count) bytes in a row")
            // Decoding is not under test, and costs time in long rows.
            let values = survey.encoding.decode(Array(features.prefix(4096)))
            try expect(values.allSatisfy { $0.isFinite }, "a feature that is not finite")
            rows += 1
        }
        try expect(rows == survey.rows, "\(rows) rows visited of \(survey.rows)")
    }
}
