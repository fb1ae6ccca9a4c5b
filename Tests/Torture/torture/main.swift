import Foundation
import TortureSupport

let usage = """
    usage: torture [faults|kills|power-loss|damage …] [--branches S] [--seed S] [--stride N] [--rounds N] [--jobs N] [--case NAME] [--keep DIR] [--program FILE]
    without names: all experiments, in full; --branches has them done to projects with so many branches. --stride takes every N-th case; --rounds is for kills; --case repeats one failed
    case; --keep keeps the folders of failing cases.
    """

func stop(_ message: String) -> Never {
    FileHandle.standardError.write(Data((message + "\n" + usage + "\n").utf8))
    exit(2)
}

var settings = Settings()
var names: [String] = []
var arguments = CommandLine.arguments.dropFirst()
while let argument = arguments.popFirst() {
    guard argument.hasPrefix("--") else {
        names.append(argument)
        continue
    }
    guard argument != "--help" else {
        say(usage)
        exit(0)
    }
    guard let value = arguments.popFirst() else { stop("\(argument) takes a value") }
    func number() -> Int {
        guard let number = Int(value), number > 0 else { stop("\(argument) takes a number from 1, not '\(value)'") }
        return number
    }
    switch argument {
    case "--seed": settings.seed = UInt64(number())
    case "--stride": settings.stride = number()
    case "--branches": settings.branches = number()
    case "--rounds": settings.rounds = number()
    case "--jobs": settings.jobs = number()
    case "--case": settings.only = value
    case "--keep": settings.keep = value
    case "--program": settings.program = Program(path: value)
    default: stop("unknown option \(argument)")
    }
}
if let unknown = names.first(where: { name in !Experiments.all.contains { $0.name == name } }) { stop("unknown experiment \(unknown)") }
var outcomes: [Outcome] = []
for experiment in Experiments.all where names.isEmpty || names.contains(experiment.name) {
    do {
        outcomes.append(try experiment.run(settings))
    } catch {
        outcomes.append(Outcome(experiment: experiment.name, failure: "\(error)"))
        say("FAILED \(experiment.name): \(error)")
    }
}
if let only = settings.only, outcomes.allSatisfy({ $0.cases == 0 }) { stop("no case is named '\(only)'") }
say("\n" + Outcome.table(outcomes))
exit(outcomes.allSatisfy { $0.failures.isEmpty } ? 0 : 1)
