import Testing

@testable import unlearn_cli

@Suite("Lists as JSON")
struct ListOutputTests {
    private struct Entry: Encodable {
        let firstName: String
        let count: Int?
    }

    @Test("Made in pieces, a list is what it is in one", arguments: [1, 2, 3, 7, 10])
    func pieces(count: Int) throws {
        let list = (0..<10).map { Entry(firstName: "]\n}, [\\\"\($0)\u{1F469}", count: $0 % 3 == 0 ? nil : $0) }
        #expect(try Console.json(list, named: "entries", pieces: count) == Console.json(["entries": list]))
    }
}
