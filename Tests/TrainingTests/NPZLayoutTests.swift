import TestSupport
import Testing

@testable import Training

@Suite("Arrays as other programs lay them out")
struct NPZLayoutTests {
    private typealias NPZ = SampleNPZ

    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func read(_ x: [UInt8], _ y: [UInt8]? = nil, rows: Int) throws -> (survey: Survey, rows: [[UInt8]], remarks: [String]) {
        let y = y ?? NPZ.npy("|u1", [rows], (0..<rows).map { UInt8($0 % 2) })
        let source = NPZSource(try folder.write(NPZ.zip([NPZ.Entry("x.npy", x), NPZ.Entry("y.npy", y)]), to: "data.npz"))
        let survey = try source.survey()
        var found: [[UInt8]] = []
        try source.forEachRow { _, _, features in found.append(Array(features)) }
        return (survey, found, source.remarks)
    }

    /// Elements in the order in which Fortran has them: the first index runs fastest.
    private func turned<Element>(_ elements: [Element], _ shape: [Int]) -> [Element] {
        var turned: [Element] = []
        for place in elements.indices {
            var rest = place, index: [Int] = []
            for size in shape {
                index.append(rest % size)
                rest /= size
            }
            turned.append(elements[zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }])
        }
        return turned
    }

    @Test("Fortran order gives the rows that the other order gives", arguments: [[5, 3], [4, 2, 3], [3, 2, 4, 5], [6, 1], [1, 4]])
    func fortran(shape: [Int]) throws {
        let values = (0..<shape.reduce(1, *)).map { Float($0) / 3 }, rows = shape[0]
        // One class would be refused, and one row has but one.
        let labels = rows == 1 ? nil : NPZ.npy("|u1", [rows], (0..<rows).map { UInt8($0 % 2) })
        guard let labels else { return #expect(turned(values, shape) == values) }
        let plain = try read(NPZ.npy("<f4", shape, NPZ.floats(values)), labels, rows: rows)
        let fortran = try read(NPZ.npy("<f4", shape, NPZ.floats(turned(values, shape)), fortran: true), labels, rows: rows)
        #expect(fortran.rows == plain.rows && fortran.survey.shape == plain.survey.shape)
        let bytes = (0..<shape.reduce(1, *)).map { UInt8($0) }
        let stored = try read(NPZ.npy("|u1", shape, turned(bytes, shape), fortran: true), labels, rows: rows)
        #expect(stored.rows.flatMap { $0 } == bytes && stored.survey.encoding == .image)
    }

    @Test("Images with their channels last are read channel by channel, and said to be", arguments: [false, true])
    func channelsLast(fortran: Bool) throws {
        let shape = [2, 8, 9, 3], bytes = (0..<432).map { UInt8($0 % 251) }
        let (survey, rows, remarks) = try read(NPZ.npy("|u1", shape, fortran ? turned(bytes, shape) : bytes, fortran: fortran), rows: 2)
        #expect(survey.shape == RowShape(channels: 3, height: 8, width: 9))
        for row in 0..<2 {
            for channel in 0..<3 {
                for place in 0..<72 { #expect(rows[row][channel * 72 + place] == bytes[(row * 72 + place) * 3 + channel]) }
            }
        }
        #expect(remarks.count == 1 && remarks[0].contains("3 channels, read as channels last"))
    }

    @Test("Channels first, and what could be either, is read as it stands", arguments: [[2, 3, 8, 9], [2, 3, 8, 3], [2, 5, 8, 3]])
    func channelsFirst(shape: [Int]) throws {
        let bytes = (0..<shape.reduce(1, *)).map { UInt8($0 % 251) }
        let (survey, rows, remarks) = try read(NPZ.npy("|u1", shape, bytes), rows: 2)
        #expect(survey.shape == RowShape(channels: shape[1], height: shape[2], width: shape[3]) && rows.flatMap { $0 } == bytes && remarks.isEmpty)
    }

    @Test("Integers become the same number in single precision", arguments: ["<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2"])
    func integers(type: String) throws {
        let size = Int(String(type.last!))!, values = type.contains("i") ? [-3, 0, 7, 100] : [3, 0, 7, 100]
        let (survey, rows, _) = try read(NPZ.npy(type, [2, 2], values.flatMap { NPZ.number($0, size) }), rows: 2)
        #expect(survey.encoding == .floats && rows.flatMap { $0 } == NPZ.floats(values.map(Float.init)))
    }

    @Test("Whole floats are labels, and name the class that integers name", arguments: ["<f4", "<f8"])
    func wholeFloats(type: String) throws {
        let values: [Float] = [10, 2, -1, 2, -0]
        let y = NPZ.npy(type, [5], type == "<f4" ? NPZ.floats(values) : NPZ.doubles(values.map(Double.init)))
        let survey = try read(NPZ.npy("|u1", [5, 1], [1, 2, 3, 4, 5]), y, rows: 5).survey
        #expect(survey.classNames == ["-1", "0", "2", "10"] && survey.labels == [3, 2, 0, 2, 1])
    }
}
