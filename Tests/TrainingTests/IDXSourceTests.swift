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
        #expect(survey.classNames == (0...9).map(String.init))
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

    @Test("Classes run from 0 to the largest label, and there are two at least", arguments: [([0, 0], 2), ([0, 7], 8), ([255, 3], 256)])
    func classes(_ labels: [UInt8], _ classes: Int) throws {
        let folder = try TemporaryFolder()
        let source = IDXSource(
            images: try folder.write(SampleFiles.idx([2, 1, 1], [5, 6]), to: "images"),
            labels: try folder.write(SampleFiles.idx([2], labels), to: "labels"))
        #expect(try source.survey().classNames == (0..<classes).map(String.init))
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
