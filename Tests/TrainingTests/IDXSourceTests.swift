import TestSupport
import Testing

@testable import Training

@Suite("IDX files")
struct IDXSourceTests {
    /// All rows of a source as it visits them.
    private func rows(_ source: IDXSource) throws -> [[UInt8]] {
        var rows: [[UInt8]] = []
        try source.forEachRow { position, id, features in
            #expect(position == rows.count)
            #expect(id == nil)
            rows.append(Array(features))
        }
        return rows
    }

    private func bytes(_ count: Int, _ seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed)
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
    }

    @Test("What was written is read, plain or gzip", arguments: [false, true], [false, true])
    func roundTrip(_ imagesZipped: Bool, _ labelsZipped: Bool) throws {
        let folder = try TemporaryFolder()
        func write(_ bytes: [UInt8], _ zipped: Bool, _ name: String) throws -> String {
            try zipped ? folder.writeGzip(bytes, to: name + ".gz") : folder.write(bytes, to: name)
        }
        // More than one chunk of the reader's buffers.
        let count = 900, pixels = bytes(count * 28 * 27, 1), labels = bytes(count, 2).map { $0 % 10 }
        let source = IDXSource(
            images: try write(SampleFiles.idx([count, 28, 27], pixels), imagesZipped, "images"),
            labels: try write(SampleFiles.idx([count], labels), labelsZipped, "labels"))
        let survey = try source.survey()
        #expect(survey.shape == RowShape(channels: 1, height: 28, width: 27))
        #expect(survey.labels == labels.map(Int32.init))
        #expect(survey.classNames == ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
        #expect(survey.groups.isEmpty && survey.groupNames.isEmpty && !survey.hasIDs)
        #expect(try rows(source) == (0..<count).map { Array(pixels[$0 * 756..<($0 + 1) * 756]) })
        // As often as needed.
        #expect(try rows(source).count == count)
        #expect(try source.survey().labels == survey.labels)
    }

    @Test("A file of four dimensions has channels")
    func channels() throws {
        let folder = try TemporaryFolder(), pixels = bytes(2 * 3 * 4 * 5, 3)
        let source = IDXSource(
            images: try folder.write(SampleFiles.idx([2, 3, 4, 5], pixels), to: "images"),
            labels: try folder.write(SampleFiles.idx([2], [1, 0]), to: "labels"))
        #expect(try source.survey().shape == RowShape(channels: 3, height: 4, width: 5))
        #expect(try rows(source) == [Array(pixels[..<60]), Array(pixels[60...])])
    }

    @Test("Classes are the labels that occur", arguments: [([3, 8], ["3", "8"]), ([255, 0], ["0", "255"]), ([10, 9], ["9", "10"])])
    func classes(_ labels: [UInt8], _ classes: [String]) throws {
        let folder = try TemporaryFolder()
        let source = IDXSource(
            images: try folder.write(SampleFiles.idx([2, 1, 1], [5, 6]), to: "images"),
            labels: try folder.write(SampleFiles.idx([2], labels), to: "labels"))
        let survey = try source.survey()
        #expect(survey.classNames == classes && survey.labels.map { classes[Int($0)] } == labels.map { String($0) })
        // Rows to be read like them have the same classes, also where some do not occur.
        let images = try folder.write(SampleFiles.idx([1, 1, 1], [5]), to: "more"), other = try folder.write(SampleFiles.idx([1], [labels[0]]), to: "one")
        let like = try IDXSource(images: images, labels: other, classNames: classes).survey()
        #expect(like.classNames == classes && classes[Int(like.labels[0])] == String(labels[0]))
        let alone = try failure { _ = try IDXSource(images: images, labels: other).survey() }
        #expect(alone.kind == .input && alone.description.contains("one label only"), "\(alone)")
        let strange = try folder.write(SampleFiles.idx([1], [77]), to: "strange")
        let unknown = try failure { _ = try IDXSource(images: images, labels: strange, classNames: classes).survey() }
        #expect(unknown.kind == .input && unknown.description.contains("label 77 of image 0"), "\(unknown)")
    }

    @Test("Pixels are standardised by the given mean and deviation; without any, 0…255 becomes −1…1")
    func standardisation() throws {
        let folder = try TemporaryFolder()
        let images = try folder.write(SampleFiles.idx([2, 1, 3], [0, 51, 255, 1, 2, 3]), to: "images")
        let labels = try folder.write(SampleFiles.idx([2], [0, 1]), to: "labels")
        let plain = try IDXSource(images: images, labels: labels).survey().encoding
        expectClose(plain.decode([0, 51, 255]), [-1, -0.6, 1], floor: 1e-6)
        let given = try IDXSource(images: images, labels: labels, mean: 0.286, deviation: 0.353).survey().encoding
        expectClose(given.decode([0, 51, 255]), [-0.286 / 0.353, (0.2 - 0.286) / 0.353, (1 - 0.286) / 0.353], floor: 1e-6)
        #expect(plain.bytesPerFeature == 1)
    }

    @Test("An error of the visitor passes through and ends the visit")
    func visitorThrows() throws {
        struct Enough: Error {}
        let folder = try TemporaryFolder(), sample = SampleFiles.images(10, side: 8, classes: 3, seed: 4)
        let source = IDXSource(images: try folder.write(sample.images, to: "i"), labels: try folder.write(sample.labels, to: "l"))
        var visited = 0
        #expect(throws: Enough.self) {
            try source.forEachRow { position, _, _ in
                visited += 1
                if position == 3 { throw Enough() }
            }
        }
        #expect(visited == 4)
    }
}
