import Files
import TestSupport
import Testing

@testable import Training

@Suite("Importers under damaged files")
struct ImporterFuzzTests {
    /// One to four small damages: a bit, a byte, a run left out, doubled or moved, or the end cut off.
    private func damaged(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        let interesting = Array("\"\",\n\r\0 1-.eé".utf8) + [0xFF, 0x7F, 0x80, 0x08]
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, place + Int.random(in: 1...8, using: &random))
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 2: bytes[place] = interesting.randomElement(using: &random) ?? 0
            case 3: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: place)
            case 4: bytes.removeSubrange(place..<end)
            case 5: bytes.insert(contentsOf: bytes[place..<end], at: place)
            default: bytes.removeLast(min(bytes.count, Int.random(in: 1...8, using: &random)))
            }
        }
        return bytes
    }

    /// Writes files for the time of `body`. Foundation would wait for the disk each time.
    private func withFiles<Result>(
        _ files: [[UInt8]], _ round: Int, in folder: TemporaryFolder, _ body: ([String]) throws -> Result
    ) throws -> Result {
        let paths = files.indices.map { folder.file("\(round).\($0)") }
        for (path, bytes) in zip(paths, files) { try bytes.withUnsafeBytes { try OpenFile(path, .createNew).write($0, at: 0) } }
        let result = try body(paths)
        for path in paths { try FileSystem.remove(path) }
        return result
    }

    /// Reads all of a source. A described error is a fair answer; anything that succeeds must hold together.
    /// - Returns: whether it was read.
    private func readAll(_ source: any RowSource) throws -> Bool {
        do {
            let survey = try source.survey()
            #expect(survey.rows > 0 && survey.classNames.count >= 2)
            #expect(survey.labels.allSatisfy { survey.classNames.indices.contains(Int($0)) })
            #expect(survey.groups.isEmpty || survey.groups.count == survey.rows)
            #expect(survey.groups.allSatisfy { survey.groupNames.indices.contains(Int($0)) })
            var rows = 0
            try source.forEachRow { position, id, features in
                #expect(position == rows && (id != nil) == survey.hasIDs)
                #expect(features.count == survey.shape.count * survey.encoding.bytesPerFeature)
                #expect(survey.encoding.decode(Array(features)).allSatisfy { $0.isFinite })
                rows += 1
            }
            #expect(rows == survey.rows)
            return true
        } catch let error as any DescribedError {
            #expect(error.kind == .input, "\(error)")
            return false
        }
    }

    private static let table = """
        id,age,city,label,provider
        r1,30,"Rome ""I"", old",1,p2
        r2,40.5,Paris,10,p1\r
        "r3",-1e1,Rome,2,p2

        r4,7,"two
        lines",10,p3

        """

    @Test("A damaged table is read or refused, never worse", arguments: [1, 2] as [UInt64], [false, true])
    func tables(_ seed: UInt64, _ zipped: Bool) throws {
        var random = SeededGenerator(seed)
        let folder = try TemporaryFolder()
        var good = Array(Self.table.utf8)
        if zipped { good = try FileSystem.read(folder.writeGzip(good, to: "good.gz")) }
        var read = 0, refused = 0
        for round in 0..<(zipped ? 3000 : 6000) {
            let isRead = try withFiles([damaged(good, &random)], round, in: folder) {
                try readAll(CSVSource($0[0], labelColumn: "label", idColumn: "id", groupColumn: "provider"))
            }
            if isRead { read += 1 } else { refused += 1 }
        }
        // Both answers were seen.
        #expect(read > 0 && refused > 0)
    }

    @Test("A damaged table of test rows is read or refused, never worse", arguments: [3, 4] as [UInt64])
    func testTables(_ seed: UInt64) throws {
        var random = SeededGenerator(seed)
        let folder = try TemporaryFolder()
        let training = CSVSource(try folder.write(Self.table, to: "train.csv"), labelColumn: "label", idColumn: "id")
        let classNames = try training.survey().classNames
        var read = 0
        for round in 0..<3000 {
            let isRead = try withFiles([damaged(Array(Self.table.utf8), &random)], round, in: folder) {
                try readAll(CSVSource($0[0], labelColumn: "label", idColumn: "id", encoding: training.encoding, classNames: classNames))
            }
            if isRead { read += 1 }
        }
        #expect(read > 0)
    }

    @Test("A damaged pair of IDX files is read or refused, never worse", arguments: [5, 6] as [UInt64], [false, true])
    func images(_ seed: UInt64, _ zipped: Bool) throws {
        var random = SeededGenerator(seed)
        let folder = try TemporaryFolder(), sample = SampleFiles.images(6, side: 5, classes: 3, seed: seed)
        var good = [sample.images, sample.labels]
        if zipped { good = try good.map { try FileSystem.read(folder.writeGzip($0, to: "good.gz")) } }
        var read = 0, refused = 0
        for round in 0..<3000 {
            var files = good
            files[round % 2] = damaged(files[round % 2], &random)
            let isRead = try withFiles(files, round, in: folder) { try readAll(IDXSource(images: $0[0], labels: $0[1])) }
            if isRead { read += 1 } else { refused += 1 }
        }
        #expect(read > 0 && refused > 0)
    }
}
