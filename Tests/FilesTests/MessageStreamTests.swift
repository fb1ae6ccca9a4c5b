import Glibc
import Testing

@testable import Files

struct MessageStreamTests {
    /// What a stream writes.
    private func written(_ work: (MessageStream) -> Void) throws -> String {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { close(ends[0]) }
        work(MessageStream(ends[1]))
        close(ends[1])
        var bytes = [UInt8](repeating: 0, count: 1 << 12)
        let count = read(ends[0], &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }

    @Test("A message takes the place of the progress that stands there, which comes back behind it")
    func messages() throws {
        let text = try written { stream in
            stream.line("first")
            stream.show("training 1/10", .terminal)
            stream.line("trainer: loss 0.3")
            stream.show("training 2/10", .terminal)
            stream.show("", .terminal)
            stream.line("last")
        }
        let clear = "\r\u{1B}[K"
        #expect(text == "first\n\(clear)training 1/10\(clear)trainer: loss 0.3\n\(clear)training 1/10\(clear)training 2/10\(clear)last\n")
    }

    @Test("Where another program shows it, progress is overwritten by blanks")
    func text() throws {
        let text = try written { stream in
            stream.show("training 10/10", .text)
            stream.show("scoring 1", .text)
            stream.line("said")
            stream.text("sure? ")
            stream.line("end")
        }
        #expect(text == "training 10/10\rscoring 1     \r         \rsaid\nscoring 1\r         \rsure? end\n")
    }
}
