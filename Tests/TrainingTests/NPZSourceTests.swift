import TestSupport
import Testing

@testable import Training

@Suite("Rows in NumPy files")
struct NPZSourceTests {
    private typealias NPZ = SampleNPZ

    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func source(_ arrays: [(String, [UInt8])], classNames: [String]? = nil, deflated: Bool = false) throws -> NPZSource {
        let entries = arrays.map { NPZ.Entry("\($0).npy", $1) }.map { deflated ? $0.deflated : $0 }
        return NPZSource(try folder.write(NPZ.zip(entries), to: "data.npz"), classNames: classNames)
    }

    private func rows(_ source: NPZSource) throws -> (features: [[UInt8]], ids: [String?]) {
        var features: [[UInt8]] = [], ids: [String?] = []
        try source.forEachRow { position, id, row in
            #expect(position == features.count)
            features.append(Array(row))
            ids.append(id)
        }
        return (features, ids)
    }

    @Test("Bytes stay bytes, scaled as images are, stored or deflated", arguments: [false, true])
    func bytes(deflated: Bool) throws {
        let source = try source(
            [("x", NPZ.npy("|u1", [3, 2, 2], Array(0..<12))), ("y", NPZ.npy("<i8", [3], [7, 3, 7].flatMap { NPZ.number($0, 8) }))], deflated: deflated)
        let survey = try source.survey()
        #expect(survey.shape == RowShape(channels: 1, height: 2, width: 2) && survey.encoding == IDXSource(images: "", labels: "").encoding)
        #expect(survey.labels == [1, 0, 1] && survey.classNames == ["3", "7"] && !survey.hasIDs && survey.groups.isEmpty)
        let rows = try rows(source)
        #expect(rows.features == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]] && rows.ids == [nil, nil, nil])
    }

    @Test("Floats of either precision are stored in single precision", arguments: [false, true])
    func floats(isDouble: Bool) throws {
        let values: [Float] = [1, -0.5, 3e38, 0, 1e-30, 2]
        let x = isDouble ? NPZ.npy("<f8", [3, 2], NPZ.doubles(values.map(Double.init))) : NPZ.npy("<f4", [3, 2], NPZ.floats(values))
        let source = try source([("x", x), ("y", NPZ.npy("|b1", [3, 1], [1, 0, 1]))])
        let survey = try source.survey()
        #expect(survey.shape == RowShape(features: 2) && survey.encoding == .floats && survey.labels == [1, 0, 1])
        #expect(try rows(source).features.flatMap { $0 } == NPZ.floats(values))
    }

    @Test("Rows come in order across the blocks in which they are read", arguments: ["|u1", "<f8"])
    func manyBlocks(type: String) throws {
        let count = 700, features = 1000
        let data = type == "|u1"
            ? (0..<count * features).map { UInt8(truncatingIfNeeded: $0 / features &* 7 &+ $0) } : NPZ.doubles((0..<count * features).map { Double($0 % 4099) })
        let ids = NPZ.npy("<u4", [count], (0..<count).flatMap { NPZ.number($0 * 3, 4) })
        let labels = NPZ.npy("|u1", [count], (0..<count).map { UInt8($0 % 2) })
        let source = try source([("id", ids), ("x", NPZ.npy(type, [count, features], data)), ("y", labels)])
        #expect(try source.survey().rows == count)
        let read = try rows(source)
        let expectedIDs: [String] = (0..<count).map { String($0 * 3) }
        #expect(read.ids == expectedIDs)
        let expected = type == "|u1" ? data : NPZ.floats((0..<count * features).map { Float($0 % 4099) })
        #expect(read.features.flatMap { $0 } == expected)
    }

    @Test("Labels, ids and groups may be text of either kind, with characters of any plane")
    func texts() throws {
        let x = NPZ.npy("<f4", [3, 2, 1, 1], NPZ.floats([1, 2, 3, 4, 5, 6]))
        let source = try source([
            ("x", x), ("y", NPZ.npy("<U4", [3], NPZ.unicode(["no", "ja", "no"], characters: 4))),
            ("id", NPZ.npy("<U3", [3], NPZ.unicode(["ä", "🙂🙂", "abc"], characters: 3))),
            ("group", NPZ.npy("|S2", [3], Array("p1q\0p1".utf8))), ("unread", NPZ.npy("|O", [3], [])),
        ])
        let survey = try source.survey()
        #expect(survey.shape == RowShape(channels: 2, height: 1, width: 1))
        #expect(survey.classNames == ["ja", "no"] && survey.labels == [1, 0, 1])
        #expect(survey.groupNames == ["p1", "q"] && survey.groups == [0, 1, 0])
        #expect(try rows(source).ids == ["ä", "🙂🙂", "abc"])
    }

    @Test(
        "Whole numbers of every width and sign are classes in the order of their values",
        arguments: [("|i1", 1), ("<i2", 2), ("<i4", 4), ("<i8", 8), ("<u2", 2), ("<u8", 8)] as [(String, Int)])
    func integers(type: String, size: Int) throws {
        let isSigned = type.contains("i")
        let values = isSigned ? [-1, -100, 0, 100, -20, 3] : [10, 9, 0, 100, (1 << (8 * size - 1)) &- 1, -1]
        let y = NPZ.npy(type, [6], values.flatMap { NPZ.number($0, size) })
        let survey = try source([("x", NPZ.npy("|u1", [6, 1], [1, 2, 3, 4, 5, 6])), ("y", y)]).survey()
        #expect(survey.labels == (isSigned ? [2, 0, 3, 5, 1, 4] : [2, 1, 0, 3, 4, 5]))
        #expect(survey.classNames[0] == (isSigned ? "-100" : "0"))
        #expect(isSigned || survey.classNames[5] == String(size == 2 ? UInt64(UInt16.max) : .max))
    }

    @Test("Headers of every version, with keys in any order, are read")
    func headers() throws {
        for version in [1, 2, 3] as [UInt8] {
            let x = NPZ.npy(dictionary: "{\"shape\":(2,1),\"descr\":\"|u1\",\"fortran_order\":False}", [1, 2], version: version)
            #expect(try source([("x", x), ("y", NPZ.npy("|u1", [2], [0, 1]))]).survey().rows == 2)
        }
    }

    @Test("Test rows take the training rows' classes, and a label that those lack is an error")
    func testRows() throws {
        let x = NPZ.npy("|u1", [2, 1], [1, 2])
        let survey = try source([("x", x), ("y", NPZ.npy("<i2", [2], [9, 0, 9, 0]))], classNames: ["3", "7", "9"]).survey()
        #expect(survey.labels == [2, 2] && survey.classNames == ["3", "7", "9"])
        let strange = try source([("x", x), ("y", NPZ.npy("<i2", [2], [3, 0, 8, 0]))], classNames: ["3", "7", "9"])
        #expect(try failure { _ = try strange.survey() }.description.hasSuffix("array 'y', row 2: label '8' does not occur in the training rows"))
    }
}
