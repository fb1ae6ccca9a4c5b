import Files

/// One parser under inputs that nobody wrote: how it is fed, valid inputs to begin with, and words that its format is made of.
///
/// A described error is a fair answer; anything that is read must hold together. Whatever traps, hangs or takes memory in
/// proportion to a number that the input merely claims is a fault.
public struct FuzzTarget: Sendable {
    public let name: String
    public let samples: [[UInt8]]
    public let dictionary: [[UInt8]]
    private let parse: @Sendable ([UInt8]) throws -> Void

    init(_ name: String, samples: [[UInt8]], dictionary: [String] = [], parse: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.samples = samples
        self.dictionary = dictionary.map { Array($0.utf8) }
        self.parse = parse
    }

    public enum Answer: Sendable {
        case accepted, refused
    }

    /// Feeds one input.
    /// - Throws: `Fault` where the answer is neither a described error nor sound, and any error that is not described.
    public func feed(_ input: [UInt8]) throws -> Answer {
        do {
            try parse(input)
            return .accepted
        } catch let error as any DescribedError {
            try expect(error.kind == .input || error.kind == .damaged, "an error of kind \(error.kind): \(error)")
            try expect(!error.description.isEmpty, "an error without a word")
            return .refused
        }
    }

    public static let all: [FuzzTarget] = [
        idx, cifar10, gzip, csv, libsvm, npz, npzArrays, safetensors, latticeRecord, sealedLatticeRecord, rowsRecord, sealedRowsRecord, packedRowsRecord, latticeCodec, indexedLatticeCodec, idList,
        settings, groups, utilities, sealedUtilities, shard, commandLine, certificate, signedCertificate, signedValues, publicKey, objectEntry, rowCell, destroyedObjects, disclosure,
    ]
}

/// Something read that does not hold together.
public struct Fault: Error, CustomStringConvertible {
    public let description: String
}

/// Throws a fault unless `condition` holds.
func expect(_ condition: Bool, _ fault: @autoclosure () -> String) throws {
    if !condition { throw Fault(description: fault()) }
}
