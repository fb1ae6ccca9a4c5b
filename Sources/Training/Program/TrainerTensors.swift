import Files
import Foundation
import Tensors

/// Rows as a trainer reads them: `y` (n), `slot` (n), and `x` (n, shape) or, where it holds the rows, their names.
enum TrainerRows {
    /// - Parameter shape: of a row; nil: rows are named.
    static func write(_ rows: BlockRows, live: [Int], shape: RowShape?, to file: borrowing OpenFile) throws {
        guard let shape else { return try writeNames(rows, live: live, to: file) }
        let width = rows.featureCount, n = live.count, dimensions = shape.isFlat ? [n, width] : [n, shape.channels, shape.height, shape.width]
        var bytes = try SafetensorsHeader.bytes(of: [("slot", "I64", [n], 8 * n), ("y", "I64", [n], 8 * n), ("x", "F32", dimensions, 4 * n * width)])
        for numbers in [live.map { Int64($0) }, live.map { Int64(rows.labels[$0]) }] { numbers.withUnsafeBytes { bytes += $0 } }
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
        var place = bytes.count
        try rows.features.withUnsafeBytes { features in
            // Rows that follow each other are written together.
            var first = 0
            while first < n {
                var last = first
                while last + 1 < n, live[last + 1] == live[last] + 1 { last += 1 }
                let length = (last - first + 1) * width * 4
                if length > 0 { try file.write(UnsafeRawBufferPointer(rebasing: features[live[first] * width * 4..<live[first] * width * 4 + length]), at: place) }
                place += length
                first = last + 1
            }
        }
    }

    /// Texts one behind the other, in UTF-8, each with the place of its end.
    private static func writeNames(_ rows: BlockRows, live: [Int], to file: borrowing OpenFile) throws {
        let n = live.count
        var tensors = [("slot", "I64", live.map { Int64($0) }), ("y", "I64", live.map { Int64(rows.labels[$0]) })].map { name, type, numbers in
            (name: name, type: type, shape: [n], content: numbers.withUnsafeBytes { Array($0) })
        }
        for (name, text) in [("id", \RowName.id), ("locator", \RowName.locator)] {
            var texts: [UInt8] = []
            let ends = live.map { slot in
                texts += Array(rows.names[slot][keyPath: text].utf8)
                return Int64(texts.count)
            }
            tensors += [(name + "_end", "I64", [n], ends.withUnsafeBytes { Array($0) }), (name, "U8", [texts.count], texts)]
        }
        let bytes = try SafetensorsHeader.bytes(of: tensors.map { ($0.name, $0.type, $0.shape, $0.content.count) }) + tensors.flatMap(\.content)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
    }
}

/// What a trainer says of rows.
enum TrainerScores {
    /// Class probabilities (n, classes), and whether they are what the trainer said, or follow from losses.
    static func read(_ path: String, labels: [Int32], classes: Int) throws -> (probabilities: [Float], haveClasses: Bool) {
        guard FileSystem.isRegularFile(path) else { throw TrainerFault.badScores("are not there: no file was written") }
        let n = labels.count, file = try OpenFile(path, .read)
        do {
            let header = try SafetensorsHeader(file)
            if let logits = try RawTensor.floats("logits", [n, classes], header, file) {
                return (try softmax(logits, classes: classes), true)
            }
            if let probabilities = try RawTensor.floats("probabilities", [n, classes], header, file) {
                guard probabilities.allSatisfy({ $0 >= 0 && $0 <= 1 }) else { throw TrainerFault.badScores("hold a probability that is not between 0 and 1") }
                for start in stride(from: 0, to: probabilities.count, by: classes) {
                    let sum = probabilities[start..<start + classes].reduce(0, +)
                    guard abs(sum - 1) < 1e-3 else { throw TrainerFault.badScores("hold probabilities of a row that add up to \(sum)") }
                }
                return (probabilities, true)
            }
            guard let losses = try RawTensor.floats("loss", [n], header, file) else { throw TrainerFault.badScores("have none of logits, probabilities and loss") }
            return (try spread(losses, RawTensor.integers("prediction", [n], header, file), labels, classes: classes), false)
        } catch let error as RawTensor.Invalid {
            throw TrainerFault.badScores(error.what)
        } catch let error as SafetensorsHeader.Invalid {
            throw TrainerFault.badScores("are a file that \(error.what)")
        }
    }

    private static func softmax(_ logits: [Float], classes: Int) throws -> [Float] {
        var result = logits
        for start in stride(from: 0, to: logits.count, by: classes) {
            let row = logits[start..<start + classes]
            guard let most = row.max(), row.allSatisfy(\.isFinite) else { throw TrainerFault.badScores("hold a number that is none") }
            let powers = row.map { exp(Double($0 - most)) }, sum = powers.reduce(0, +)
            for (index, power) in powers.enumerated() { result[start + index] = Float(power / sum) }
        }
        return result
    }

    /// Of a model without classes: the label has exp(−loss), and the rest goes to the prediction where that is another, else to all others alike.
    private static func spread(_ losses: [Float], _ predictions: [Int]?, _ labels: [Int32], classes: Int) throws -> [Float] {
        var result = [Float](repeating: 0, count: losses.count * classes)
        for (row, loss) in losses.enumerated() {
            guard loss >= 0, loss.isFinite else { throw TrainerFault.badScores("hold a loss of \(loss); it is minus a logarithm of a probability") }
            let own = Int(labels[row]), probability = Float(exp(-Double(loss))), rest = 1 - probability
            if let prediction = predictions?[row], prediction != own {
                guard (0..<classes).contains(prediction) else { throw TrainerFault.badScores("predict class \(prediction), of \(classes)") }
                result[row * classes + prediction] = rest
            } else {
                for index in 0..<classes where index != own { result[row * classes + index] = rest / Float(max(1, classes - 1)) }
            }
            result[row * classes + own] = probability
        }
        return result
    }
}

/// One tensor of a safetensors file, as it is.
private enum RawTensor {
    struct Invalid: Error {
        let what: String
    }

    static func floats(_ name: String, _ shape: [Int], _ header: SafetensorsHeader, _ file: borrowing OpenFile) throws -> [Float]? {
        guard let start = try place(name, shape, "F32", 4, header) else { return nil }
        var values = [Float](repeating: 0, count: shape.reduce(1, *))
        try values.withUnsafeMutableBytes { if !$0.isEmpty { try file.read(into: $0, at: start) } }
        return values
    }

    static func integers(_ name: String, _ shape: [Int], _ header: SafetensorsHeader, _ file: borrowing OpenFile) throws -> [Int]? {
        guard let start = try place(name, shape, "I64", 8, header) else { return nil }
        var values = [Int](repeating: 0, count: shape.reduce(1, *))
        try values.withUnsafeMutableBytes { if !$0.isEmpty { try file.read(into: $0, at: start) } }
        return values
    }

    /// Where it begins; nil where there is none of the name.
    private static func place(_ name: String, _ shape: [Int], _ type: String, _ bytes: Int, _ header: SafetensorsHeader) throws -> Int? {
        guard let entry = header.entries[name] else { return nil }
        guard entry.type == type, entry.shape == shape else { throw Invalid(what: "hold \(name) as \(entry.type) \(entry.shape), which must be \(type) \(shape)") }
        guard entry.end - entry.start == shape.reduce(bytes, *) else { throw Invalid(what: "hold \(name) at an impossible place") }
        return header.dataStart + entry.start
    }
}
