// libFuzzer over one target: fuzz TARGET [libFuzzer's options] [folders of inputs, or files to repeat].
//   fuzz --list              names of all targets
//   fuzz --samples FOLDER    writes each target's samples to FOLDER/TARGET
// Scripts/fuzz builds and runs it.
import FuzzTargets
import Glibc
import Synchronization
import TestSupport

@_silgen_name("LLVMFuzzerRunDriver")
func runDriver(
    _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "--list":
    for target in FuzzTarget.all { print(target.name) }
    exit(0)
case "--samples" where arguments.count == 2:
    try writeSamples(to: arguments[1])
    exit(0)
case let name? where FuzzTarget.all.contains { $0.name == name }: break
default:
    print("usage: fuzz --list | --samples FOLDER | TARGET [options] [inputs]")
    exit(2)
}

atexit {
    let (accepted, refused) = (Session.accepted.load(ordering: .relaxed), Session.refused.load(ordering: .relaxed))
    print("answers: \(accepted) accepted, \(refused) refused")
}
// libFuzzer reads its own options from what follows the target's name.
var count = CommandLine.argc - 1
var rest = CommandLine.unsafeArgv + 1
exit(runDriver(&count, &rest) { bytes, length in
    let input = Array(UnsafeBufferPointer(start: bytes, count: length))
    do {
        switch try Session.target.feed(input) {
        case .accepted: Session.accepted.add(1, ordering: .relaxed)
        case .refused: Session.refused.add(1, ordering: .relaxed)
        }
    } catch {
        // A trap, which libFuzzer catches to save the input.
        fatalError("\(error)")
    }
    return 0
})
