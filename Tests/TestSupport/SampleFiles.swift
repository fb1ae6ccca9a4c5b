/// Files for importers, byte by byte.
public enum SampleFiles {
    /// An IDX file of unsigned bytes.
    public static func idx(_ dimensions: [Int], _ bytes: [UInt8]) -> [UInt8] {
        var file: [UInt8] = [0, 0, 8, UInt8(dimensions.count)]
        for dimension in dimensions { for shift in [24, 16, 8, 0] { file.append(UInt8(dimension >> shift & 255)) } }
        return file + bytes
    }

    /// Images of `side`×`side` in which a bright square's place tells the class, with noise: learnable in a few steps.
    public static func images(_ count: Int, side: Int, classes: Int, seed: UInt64) -> (images: [UInt8], labels: [UInt8]) {
        var random = SeededGenerator(seed)
        var pixels: [UInt8] = []
        var labels: [UInt8] = []
        for _ in 0..<count {
            let label = Int.random(in: 0..<classes, using: &random)
            labels.append(UInt8(label))
            let left = label * (side - 4) / max(1, classes - 1), top = (label * 7) % (side - 4)
            for y in 0..<side {
                for x in 0..<side {
                    let bright = (left..<left + 4).contains(x) && (top..<top + 4).contains(y)
                    pixels.append(UInt8.random(in: 0...60, using: &random) + (bright ? 180 : 0))
                }
            }
        }
        return (idx([count, side, side], pixels), idx([count], labels))
    }

    /// Records of CIFAR-10 in which a label makes one band of rows bright in every channel, with noise.
    public static func cifar10(_ count: Int, seed: UInt64) -> [UInt8] {
        var random = SeededGenerator(seed)
        var records: [UInt8] = []
        for index in 0..<count {
            let label = UInt8(index % 10)
            records.append(label)
            for place in 0..<3072 {
                let row = place / 32 % 32
                records.append(UInt8.random(in: 0...60, using: &random) + (row / 3 == Int(label) ? 180 : 0))
            }
        }
        return records
    }
}
