import Checkpoints
import Files

/// What lies in sealed cells of the catalogue. Only who has the key can write one; a version of the program that wrote another form is
/// refused all the same.
extension FuzzTarget {
    private static func need(_ holds: Bool, _ what: String) throws { if !holds { throw Failure(.damaged, "\(what) is not readable") } }

    private static let digest = Digest(bytes: (0..<32).map { UInt8($0) })

    private static let noKey = [UInt8](repeating: 0, count: ObjectEntry.keyLength)

    static let objectEntry = FuzzTarget(
        "object-entry",
        samples: [
            ObjectEntry(kind: .influence, block: 7, bytes: 1234, digest: digest, isCondemned: true, baseIsExact: true).encodedWithoutKey + noKey,
            ObjectEntry(kind: .trainRows, block: 3, bytes: 1 << 40, digest: digest, slots: 600, live: 599).encodedWithoutKey + noKey,
        ]
    ) { input in
        let entry = ObjectEntry(input)
        try need(entry != nil, "an object's entry")
        try expect(entry!.encodedWithoutKey == Array(input.dropLast(noKey.count)), "an entry that changes when it is read and written")
    }

    static let rowCell = FuzzTarget(
        "row-cell",
        samples: [
            RowCell(part: .train, block: 1, slot: 0, group: nil, request: nil).encoded, RowCell(part: .test, block: 100, slot: 599, group: 4, request: 2).encoded,
            RowCell(part: .train, block: 3, slot: 2, group: nil, person: Array(1...32), request: nil).encoded,
        ]
    ) { input in
        let cell = RowCell(input)
        try need(cell != nil, "a row's entry")
        try expect(cell!.encoded == input, "a cell that changes when it is read and written")
    }

    private static let listed = ListedObject(name: ObjectName(bytes: (0..<16).map { UInt8($0) }), kind: .keyframe, block: 9, digest: digest)

    static let destroyedObjects = FuzzTarget("destroyed-objects", samples: [[], listed.encoded, listed.encoded + listed.encoded]) { input in
        let objects = ListedObject.decode(input)
        try need(objects != nil, "a list of objects")
        try expect(objects!.flatMap(\.encoded) == input, "a list that changes when it is read and written")
    }

    static let disclosure = FuzzTarget(
        "disclosure",
        samples: [#"["00112233445566778899aabbccddeeff","rows",["aa","bb"]]"#, #"["","details",{"a":1.5,"b":null,"c":[true,"x"]}]"#].map { Array($0.utf8) },
        dictionary: ["null", "true", "1e999", "\\u0000", "[[[[[["]
    ) { input in
        let text = String(validating: input, as: UTF8.self), disclosure = text.flatMap(Disclosure.init(text:))
        try need(disclosure != nil, "a disclosure")
        try expect(disclosure!.text == text && disclosure!.commitment.utf8.count == 64, "another text than was read")
    }
}
