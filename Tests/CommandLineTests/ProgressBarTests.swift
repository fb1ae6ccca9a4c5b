import ProgramSupport
import TestSupport
import Testing

@testable import unlearn_cli

@Suite("Progress")
struct ProgressBarTests {
    @Test("Shown by another program, it is text without controls, each in the place of the one before, and gone at the end")
    func text() throws {
        let shell = try Shell.withTable()
        let made = try shell.run("$U -C p init --data csv:full.csv $A --quiet && UNLEARN_PROGRESS=text $U -C p train")
        #expect(made.status == 0, "\(made.errors)")
        let states = made.errors.split(separator: "\r", omittingEmptySubsequences: false)
        #expect(states[0].hasPrefix("training ") && states[0].contains("/10"), "\(made.errors)")
        // The last covers what was there, and messages come behind it.
        #expect(states.dropLast().last?.allSatisfy { $0 == " " } == true && states.last?.contains("training") == false, "\(made.errors)")
        #expect(!made.errors.contains("\u{1B}"))
        // What is shorter covers what was there.
        for (before, next) in zip(states, states.dropFirst().dropLast()) { #expect(next.count >= before.trimmed.count) }
        #expect(try shell.run("UNLEARN_PROGRESS=text $U -C p train --quiet").errors.isEmpty)
    }

    @Test("Whoever stops reading it does not end the command, and whoever stops reading the result does")
    func gone() throws {
        let shell = try Shell.withTable()
        let made = try shell.run("""
            # A pipe whose reading end is closed.
            mkfifo gone; exec 4<>gone; exec 5>gone; exec 4<&-; echo u1 > ids
            { $U -C p init --data csv:full.csv $A --quiet && $U -C p train --quiet; } > made
            UNLEARN_PROGRESS=text $U -C p delete --ids ids --method exact --json 2>&5 > result; echo $?; jq -r .request result
            $U -C p where --ids ids --json >&5; echo $?
            """)
        #expect(made.output == "0\nR1\n141\n", "\(made.output) \(made.errors)")
    }

    @Test("Where nobody shows it, there is none")
    func hidden() throws {
        let shell = try Shell.withTable(), made = try shell.run("$U -C p init --data csv:full.csv $A --quiet && $U -C p train")
        #expect(made.status == 0 && !made.errors.contains("/10"), "\(made.errors)")
    }
}

extension Substring {
    /// Without blanks at its end.
    fileprivate var trimmed: Substring {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
