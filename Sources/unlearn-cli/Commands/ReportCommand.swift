import Checkpoints
import Files
import Pages
import Unlearn

extension CommandSpec {
    static let report = CommandSpec(
        name: "report", summary: "the page of a request, for an officer to sign: in words first, what is left to do by hand, evidence behind",
        example: "unlearn -C demo report --request R1 --out R1.html",
        options: [
            OptionSpec("request", "R", "whose page (default: the latest)"),
            OptionSpec("all", nil, "an index and the pages of all requests, into the folder that --out names"),
            OptionSpec("out", "FILE.html|DIR", "where to write it"), .force, .threads,
        ],
        run: runReport)

    private struct Result: Encodable {
        struct Page: Encodable {
            let request: String?
            let path: String
        }

        let pages: [Page]
        /// What the pages say, for programs.
        let requests: [RequestRecord]
        /// What is served, and what it was made of.
        let modelCard: Status
    }

    private static func runReport(_ invocation: Invocation) throws -> Int32 {
        let console = Console(invocation: invocation), isAll = invocation.flag("all"), replacing = invocation.flag("force")
        guard !isAll || invocation.text("request") == nil else { throw Failure(.input, "--request is one request and --all is every one; give one of the two") }
        let number = try invocation.text("request").map(Invocation.requestNumber)
        // Programs may want what the pages say, and no page.
        let out = try invocation.text("out") ?? (invocation.wantsJSON ? nil : invocation.required("out", isAll ? "DIR" : "FILE.html"))
        // Before any work: a place that cannot be written to.
        if let out, !isAll { try Store.expectOutput(out, besideProject: invocation.folder, replacing: replacing) }
        let project = try Project(opening: invocation.folder, .read, threads: try invocation.threads)
        let status = try project.status(), records = try project.records(ofRequest: isAll ? nil : number ?? project.store.requests().last?.number, status)
        var pages = out.map { out in records.map { (request: Optional($0.request), path: out, html: RequestPage($0).html()) } } ?? [], folder = out ?? ""
        if let out, isAll {
            folder = try OutputFile.makeFolder(
                out, for: records.map(RequestIndexPage.fileName) + [RequestIndexPage.name], besideProject: invocation.folder, replacing: replacing)
            for (index, record) in records.enumerated() { pages[index].path = folder + "/" + RequestIndexPage.fileName(record) }
            // Last: where it is new, all pages are.
            pages.append((nil, folder + "/" + RequestIndexPage.name, RequestIndexPage(records).html()))
        }
        for (number, page) in pages.enumerated() {
            do {
                try Array(page.html.utf8).withUnsafeBytes { try FileSystem.publish(output: $0, at: page.path, replacing: replacing) }
            } catch {
                // What is there of a set that is not whole would stand in the next one's way. What was replaced is gone in any case.
                if !replacing { for written in pages.prefix(number) { try? FileSystem.remove(written.path) } }
                throw error
            }
        }
        try console.result(
            Result(pages: pages.map { .init(request: $0.request, path: PathText.printable($0.path)) }, requests: records, modelCard: status),
            isAll ? "\(folder): \(counted(records.count, "page")) and \(RequestIndexPage.name)" : "\(folder): \(records[0].request), \(RequestIndexPage.outcome(records[0])); fill in what is left to do, and sign it")
        return 0
    }
}
