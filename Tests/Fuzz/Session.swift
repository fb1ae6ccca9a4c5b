import Files
import FuzzTargets
import Synchronization
import TestSupport

/// What one process of libFuzzer works on.
enum Session {
    static let target: FuzzTarget = {
        guard let target = FuzzTarget.all.first(where: { $0.name == CommandLine.arguments.dropFirst().first }) else { fatalError("no such target") }
        return target
    }()
    static let mutator = Mutator(target)
    static let accepted = Atomic<Int>(0)
    static let refused = Atomic<Int>(0)
}

func writeSamples(to folder: String) throws {
    try FileSystem.makeFolder(folder)
    for target in FuzzTarget.all {
        try FileSystem.makeFolder("\(folder)/\(target.name)")
        for (index, sample) in target.samples.enumerated() {
            let path = "\(folder)/\(target.name)/sample\(index)"
            if !FileSystem.exists(path) { try sample.withUnsafeBytes { try OpenFile(path, .createNew).write($0, at: 0) } }
        }
    }
}

@_silgen_name("LLVMFuzzerMutate")
func mutateBlindly(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ most: Int) -> Int

/// libFuzzer asks here for the next input: half of them are changed by its own means, half by the format's.
@_cdecl("LLVMFuzzerCustomMutator")
func mutate(_ bytes: UnsafeMutablePointer<UInt8>, _ count: Int, _ most: Int, _ seed: UInt32) -> Int {
    if seed % 2 == 0 { return mutateBlindly(bytes, count, most) }
    var random = SeededGenerator(UInt64(seed)), input = Array(UnsafeBufferPointer(start: bytes, count: count))
    let other = Session.target.samples.randomElement(using: &random) ?? []
    Session.mutator.mutate(&input, with: other, most: most, using: &random)
    bytes.update(from: input, count: input.count)
    return input.count
}
