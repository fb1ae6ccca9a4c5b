import Files
import TestSupport

/// Damages a finished project in every way: `check` must say so, or else nothing may be different.
public enum Damage {
    public static func run(_ settings: Settings) throws -> Outcome {
        let tally = Tally("damage", settings)
        let workplace = try WorkFolder()
        // Enough blocks for a stitch, which alone writes records of every kind.
        let sample = try Sample(rows: 60, testRows: 12, blocks: 12, branches: settings.branches, in: workplace)
        let original = Subject(settings.program, try workplace.folder() + "/project", sample)
        let life: [Operation] = [
            .initialise(sample), .train, .delete(["1", "7", "test:1"], "--method", "exact"), .delete(["30"], "--on-no-decay", "stitch"),
        ]
        for operation in life { try original.succeed(operation, "undisturbed") }
        guard let standing = try original.standing() else { throw Finding("there is no project") }
        let oracle = Oracle(standing: standing, weights: try original.weights())
        var random = SeededGenerator(settings.seed)
        let all = try Alteration.all(of: original.folder, seed: settings.seed)
        let first = Int.random(in: 0..<min(settings.stride, all.count), using: &random)
        tally.each(stride(from: first, to: all.count, by: settings.stride).map { all[$0] }) { alteration in
            tally.run(alteration.name, in: workplace) { folder in
                let subject = original.moved(to: folder + "/project")
                try Tree.copy(original.folder, to: subject.folder)
                try alteration.apply(to: subject.folder)
                try oracle.judge(subject, alteration)
            }
        }
        return tally.outcome
    }

    private struct Oracle: Sendable {
        let standing: Standing
        let weights: [UInt8]

        func judge(_ subject: Subject, _ alteration: Alteration) throws {
            let check = try subject.call(.check)
            switch check.status {
            case 0:
                guard try subject.standing() == standing else { throw Finding("check finds no fault, but rows or state are others") }
                guard try subject.weights() == weights else { throw Finding("check finds no fault, but the weights are others") }
            case 4:
                try nameTheFault(check.output + check.errors, alteration)
                try promiseNothing(subject)
            // A key beside the catalogue is the owner's to give.
            case 10 where isGone(alteration, "catalogue"), 2 where alteration.files.contains { !$0.contains("/") && $0.contains("key") }:
                try promiseNothing(subject)
            // The number of another format is believed: nobody but a program of that format can know better.
            case 2 where isFormatNumber(alteration): try promiseNothing(subject)
            default: throw Finding("check exited \(check.status ?? -1): \(check.errors)\(check.output)")
            }
        }

        /// Whoever reads a message must know where to look.
        private func nameTheFault(_ message: String, _ alteration: Alteration) throws {
            let names = alteration.files.flatMap { $0.split(separator: "/") }.map { $0.split(separator: ".").first ?? $0 }
            guard names.contains(where: { message.contains($0) }) else { throw Finding("check exits 4, but names none of \(names): \(message)") }
        }

        /// A project that is known to be damaged may refuse everything, but what it gives must be right.
        private func promiseNothing(_ subject: Subject) throws {
            let status = try subject.call(["status", "--json", "--threads", "1"])
            if status.status == 0, !status.output.contains(standing.stateDigest ?? "?") { throw Finding("status tells another state") }
            let path = subject.folder + "-export.safetensors"
            let export = try subject.call(["export", "--out", path, "--force"])
            if export.status == 0, try Subject.weights(in: path) != weights { throw Finding("export gives other weights, silently") }
        }

        /// Whether it changes the catalogue's `user_version`, four bytes of the database's head.
        private func isFormatNumber(_ alteration: Alteration) -> Bool {
            if case .flip(let file, let byte, _) = alteration { file == "catalogue.sqlite" && (60..<64).contains(byte) } else { false }
        }

        private func isGone(_ alteration: Alteration, _ name: String) -> Bool {
            switch alteration {
            case .remove, .folder, .pipe, .link: alteration.files[0].contains(name)
            default: false
            }
        }
    }
}
