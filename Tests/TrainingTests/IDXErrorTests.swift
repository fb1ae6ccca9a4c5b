import Files
import TestSupport
import Testing

@testable import Training

/// One way in which a pair of IDX files can be wrong.
private struct Damage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var images = good.images
    var labels = good.labels
    /// The file that the message must name, and words that it must hold.
    var file = "images"
    var words: [String] = []

    static let good = (images: SampleFiles.idx([3, 2, 2], Array(0..<12)), labels: SampleFiles.idx([3], [0, 1, 1]))

    static let all: [Damage] = [
        Damage(testDescription: "wrong magic", images: [1, 0] + good.images.dropFirst(2), words: ["not an IDX file"]),
        Damage(testDescription: "wrong magic of labels", labels: [0, 9] + good.labels.dropFirst(2), file: "labels", words: ["not an IDX file"]),
        Damage(testDescription: "signed bytes", images: [0, 0, 9] + good.images.dropFirst(3), words: ["type 9"]),
        Damage(testDescription: "floats", images: [0, 0, 13] + good.images.dropFirst(3), words: ["type 13"]),
        Damage(testDescription: "no dimension", images: [0, 0, 8, 0], words: ["0 dimensions"]),
        Damage(testDescription: "five dimensions", images: SampleFiles.idx([3, 1, 1, 1, 1], [1, 2, 3]), words: ["5 dimensions"]),
        Damage(testDescription: "images of one dimension", images: SampleFiles.idx([3], [1, 2, 3]), words: ["1-dimensional"]),
        Damage(testDescription: "images of two dimensions", images: SampleFiles.idx([3, 4], Array(0..<12)), words: ["2-dimensional"]),
        Damage(
            testDescription: "labels of three dimensions", labels: SampleFiles.idx([3, 1, 1], [0, 1, 1]), file: "labels",
            words: ["not a label file", "3 dimensions"]),
        Damage(testDescription: "no images", images: SampleFiles.idx([0, 2, 2], []), labels: SampleFiles.idx([0], []), words: ["no images"]),
        Damage(testDescription: "more images than labels", labels: SampleFiles.idx([2], [0, 1]), words: ["3 images", "2 labels", "labels"]),
        Damage(testDescription: "more labels than images", labels: SampleFiles.idx([4], [0, 1, 1, 0]), words: ["3 images", "4 labels"]),
        Damage(testDescription: "images of no height", images: SampleFiles.idx([3, 0, 2], []), words: ["0×2"]),
        Damage(
            testDescription: "overflowing dimensions", images: SampleFiles.idx([3, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [1]),
            words: ["4294967295×4294967295×4294967295"]),
        Damage(testDescription: "images of 4 GB each", images: SampleFiles.idx([3, 0xffff_ffff, 1], [1]), words: ["4294967295×1"]),
        Damage(testDescription: "four billion labels", labels: SampleFiles.idx([0xffff_ffff], [0, 1, 1]), file: "labels", words: ["ends early"]),
        Damage(testDescription: "four billion images", images: SampleFiles.idx([0xffff_ffff, 2, 2], Array(0..<12)), words: ["4294967295 images"]),
        Damage(testDescription: "an extra byte behind the images", images: good.images + [0], words: ["more bytes"]),
        Damage(testDescription: "an extra byte behind the labels", labels: good.labels + [0], file: "labels", words: ["more bytes"]),
        Damage(testDescription: "empty images", images: [], words: ["ends early", "header"]),
        Damage(testDescription: "empty labels", labels: [], file: "labels", words: ["ends early", "header"]),
    ]
}

@Suite("IDX files that are wrong")
struct IDXErrorTests {
    @Test("Each kind of damage is bad input, by name", arguments: Damage.all, [false, true])
    private func damage(_ damage: Damage, _ zipped: Bool) throws {
        let folder = try TemporaryFolder()
        func write(_ bytes: [UInt8], _ name: String) throws -> String {
            try zipped ? folder.writeGzip(bytes, to: name) : folder.write(bytes, to: name)
        }
        let source = IDXSource(images: try write(damage.images, "images"), labels: try write(damage.labels, "labels"))
        let error = try failure { _ = try source.survey() }
        #expect(error.kind == .input)
        for word in [folder.file(damage.file)] + damage.words { #expect(error.description.contains(word), "\(error)") }
    }

    @Test("The undamaged pair is fine")
    func undamaged() throws {
        let folder = try TemporaryFolder()
        let source = IDXSource(images: try folder.write(Damage.good.images, to: "images"), labels: try folder.write(Damage.good.labels, to: "labels"))
        #expect(try source.survey().labels == [0, 1, 1])
    }

    @Test("A file cut anywhere is bad input, plain or gzip", arguments: [false, true], ["images", "labels"])
    func truncated(_ zipped: Bool, _ cut: String) throws {
        let folder = try TemporaryFolder()
        let sample = SampleFiles.images(20, side: 5, classes: 4, seed: 5)
        for (name, bytes) in [("images", sample.images), ("labels", sample.labels)] {
            _ = try zipped ? folder.writeGzip(bytes, to: name) : folder.write(bytes, to: name)
        }
        let source = IDXSource(images: folder.file("images"), labels: folder.file("labels"))
        #expect(try source.survey().rows == 20)
        let whole = try FileSystem.read(folder.file(cut))
        for length in 0..<whole.count {
            try folder.write(Array(whole[..<length]), to: cut)
            let error = try failure { _ = try source.survey() }
            #expect(error.kind == .input)
            #expect(error.description.contains(folder.file(cut)), "cut to \(length) bytes: \(error)")
        }
    }

    @Test("A changed byte inside compressed data is found by its checksum")
    func changedByte() throws {
        let folder = try TemporaryFolder(), sample = SampleFiles.images(20, side: 5, classes: 4, seed: 6)
        let images = try folder.writeGzip(sample.images, to: "images"), labels = try folder.write(sample.labels, to: "labels")
        let whole = try FileSystem.read(images)
        // The header's time, flags of the compressor and system (bytes 4 to 9) are of no account.
        for index in 10..<whole.count {
            var changed = whole
            changed[index] ^= 0x10
            try folder.write(changed, to: "images")
            let error = try failure { _ = try IDXSource(images: images, labels: labels).survey() }
            #expect(error.kind == .input)
            #expect(error.description.contains(images))
        }
    }

    @Test("A missing file is bad input that names it", arguments: ["images", "labels"])
    func missing(_ name: String) throws {
        let folder = try TemporaryFolder()
        for other in ["images", "labels"] where other != name {
            try folder.write(other == "images" ? Damage.good.images : Damage.good.labels, to: other)
        }
        let error = try failure { _ = try IDXSource(images: folder.file("images"), labels: folder.file("labels")).survey() }
        #expect(error.kind == .input)
        #expect(error.description.contains(folder.file(name)))
    }

    @Test("A folder instead of a file is bad input that names it", arguments: ["images", "labels"])
    func folderInstead(_ name: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(Damage.good.images, to: "images")
        try folder.write(Damage.good.labels, to: "labels")
        try FileSystem.remove(folder.file(name))
        try FileSystem.makeFolder(folder.file(name))
        let error = try failure { _ = try IDXSource(images: folder.file("images"), labels: folder.file("labels")).survey() }
        #expect(error.kind == .input)
        #expect(error.description.contains(folder.file(name)))
    }

    @Test("A file that was cut after its survey is an error when rows are visited")
    func cutLater() throws {
        let folder = try TemporaryFolder()
        let images = try folder.write(Damage.good.images, to: "images"), labels = try folder.write(Damage.good.labels, to: "labels")
        let source = IDXSource(images: images, labels: labels)
        _ = try source.survey()
        try folder.write(Array(Damage.good.images.dropLast()), to: "images")
        let error = try failure { try source.forEachRow { _, _, _ in } }
        #expect(error.kind == .input)
        #expect(error.description.contains(images))
    }
}
