import Checkpoints
import Files
import Unlearn

extension CommandSpec {
    static let opening = CommandSpec(
        name: "opening", summary: "what lets a person who asked see that a request's certificate speaks of them, and of nobody else",
        example: "unlearn -C demo opening R1 --ids person.txt", operand: .one("REQUEST"),
        options: [OptionSpec("ids", "FILE|-", "names that the request's rows were asked for by: ids of rows, people or a provider, one a line"), .idColumn],
        run: runOpening)

    private struct Result: Encodable {
        struct Opening: Encodable {
            let id: String
            let opening: String
        }

        let request: String
        let openings: [Opening]
    }

    private static func runOpening(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation), number = try Invocation.requestNumber(invocation.operand)
        _ = try invocation.required("ids", "FILE")
        // Before the project is read: a pipe or a person may take their time.
        try Store.expectProject(in: invocation.folder)
        let list = try invocation.idList(), request = Store.requestName(number), store = try Store(opening: invocation.folder, .read)
        let openings = try store.snapshot { try RequestNames(ofRequest: number, in: store).openings(of: list) }
        try console.result(
            Result(request: request, openings: openings.map { .init(id: $0.name, opening: $0.opening.hexadecimal) }),
            openings.map { "\(Console.printable($0.name, keeping: []))  \($0.opening.hexadecimal)" }.joined(separator: "\n"))
        console.message(
            "each is for that person alone, with the certificate and \(invocation.folder)/signing-key.pem: "
                + "unlearn verify-certificate \(request).json --public-key signing-key.pem --id NAME --opening OPENING")
        return 0
    }
}
