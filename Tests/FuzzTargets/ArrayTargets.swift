import Tensors
import TestSupport
import Training

extension FuzzTarget {
    private static let npyWords = [
        "'descr': ", "'fortran_order': ", "'shape': ", "False", "True", "(", ")", ",", "{", "}", "'<f4'", "'<f8'", "'|u1'", "'<i8'", "'<U3'", "'|S3'", "'>f4'", "'|O'",
        "[('a', '<f4')]", "(0,)", "(1, 9223372036854775807)", "(4294967296, 4294967296)", "9223372036854775808", "\u{93}NUMPY",
    ]

    private static let arrays: [(x: [UInt8], y: [UInt8], id: [UInt8])] = [
        (SampleNPZ.npy("|u1", [3, 2, 1], [1, 2, 3, 4, 5, 6]), SampleNPZ.npy("<i8", [3], [7, 3, 7].flatMap { SampleNPZ.number($0, 8) }),
            SampleNPZ.npy("<U2", [3], SampleNPZ.unicode(["a", "bc", "ä"], characters: 2))),
        (SampleNPZ.npy("<f8", [2, 2], SampleNPZ.doubles([1, -2, 3e38, 4])), SampleNPZ.npy("|S1", [2, 1], Array("ab".utf8)),
            SampleNPZ.npy("<u2", [2], [1, 0, 2, 0])),
    ]

    /// The whole archive: most changes end in the zip layer.
    static let npz = FuzzTarget(
        "npz",
        samples: arrays.map { x, y, id in
            SampleNPZ.zip([SampleNPZ.Entry("x.npy", x).deflated, SampleNPZ.Entry("y.npy", y), SampleNPZ.Entry("id.npy", id), SampleNPZ.Entry("../x.npy", y)])
        },
        dictionary: npyWords + ["PK\u{1}\u{2}", "PK\u{3}\u{4}", "PK\u{5}\u{6}", "PK\u{6}\u{6}", "x.npy", "y.npy", "id.npy", "group.npy", "../x.npy"]
    ) { input in
        let file = MemoryFile(input)
        try readAll(NPZSource(file.path))
    }

    /// Three arrays with lengths in front, packed into an archive whose checksums are right: every change reaches the arrays.
    /// The first byte chooses what the archive claims of x, and whether data are made as long as their shape says.
    static let npzArrays = FuzzTarget(
        "npz-arrays", samples: arrays.map { [0] + joined($0, joined($1, $2)) } + [33, 96].map { [$0] + joined(arrays[0].x, joined(arrays[0].y, arrays[0].id)) },
        dictionary: npyWords
    ) { input in
        let (first, rest) = split(Array(input.dropFirst())), (second, third) = split(rest)
        let choice = input.first ?? 0
        let (x, y, id) = choice & 32 == 0 ? (first, second, third) : (sized(first), sized(second), sized(third))
        var entry = SampleNPZ.Entry("x.npy", x)
        if choice & 1 == 1 { entry = entry.deflated }
        // What the archive claims is not what it holds.
        if choice & 2 == 2 { entry.size += 1 << (Int(choice >> 2) % 31) }
        let file = MemoryFile(SampleNPZ.zip([entry, SampleNPZ.Entry("y.npy", y), SampleNPZ.Entry(choice & 128 == 0 ? "id.npy" : "group.npy", id)]))
        try readAll(NPZSource(file.path, classNames: choice & 64 == 0 ? nil : ["3", "7", "a"]))
    }

    /// The array with as many bytes of data as type and shape need, where they can be told and are few.
    private static func sized(_ array: [UInt8]) -> [UInt8] {
        guard let end = array.firstIndex(of: UInt8(ascii: "\n")) else { return array }
        let words = String(decoding: array[..<end], as: UTF8.self).split(whereSeparator: { "'<|(,) :".contains($0) })
        guard let type = words.firstIndex(of: "descr"), let shape = words.firstIndex(of: "shape"), type + 1 < words.count else { return array }
        let width = (Int(words[type + 1].dropFirst()) ?? 0).multipliedReportingOverflow(by: words[type + 1].hasPrefix("U") ? 4 : 1).partialValue
        let needed = words[(shape + 1)...].prefix { Int($0) != nil }.reduce(width) { $0.multipliedReportingOverflow(by: Int($1) ?? 0).partialValue }
        guard (0...20_000).contains(needed) else { return array }
        let data = array[(end + 1)...].prefix(needed)
        return Array(array[...end]) + data + [UInt8](repeating: 1, count: needed - data.count)
    }

    static let safetensors = FuzzTarget(
        "safetensors",
        samples: [
            safetensors(#"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[],"data_offsets":[16,20]}}"#, 20),
            safetensors(#"{"__metadata__":{"k":"v"},"w":{"data_offsets":[0,0],"shape":[0,7],"dtype":"F32"}}"#, 0),
        ],
        dictionary: [
            "\"dtype\":", "\"shape\":", "\"data_offsets\":", "\"__metadata__\":", "\"F32\"", "\"F64\"", "[0,0]", "[", "]", "{", "}", ",", "true", "null", "1e3", "-1", "0.5",
            "9223372036854775807", "9223372036854775808", "18446744073709551616", "4294967296", "\\u0000", "\\ud800", "\"w\":",
        ]
    ) { input in
        let tensors = try Safetensors.decode(input, path: "F")
        try expect(tensors.values.count == tensors.layout.count && tensors.layout.count * 4 <= input.count, "\(tensors.values.count) values")
        for (index, tensor) in tensors.layout.tensors.enumerated() {
            try expect(tensors.values(of: index).count == tensor.shape.reduce(1, *), "a tensor that is not as large as its shape")
        }
        let again = try Safetensors.decode(try Safetensors.encode(tensors), path: "F")
        // Tensors without values share their place: their order may differ.
        try expect(again.layout.count == tensors.layout.count && again.layout.tensors.count == tensors.layout.tensors.count, "what was read cannot be written")
    }

    private static func safetensors(_ header: String, _ bytes: Int) -> [UInt8] {
        SampleNPZ.number(header.utf8.count, 8) + Array(header.utf8) + (0..<bytes).map { UInt8($0) }
    }
}
