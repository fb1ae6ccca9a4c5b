import Files
import TestSupport
import Testing

@testable import Training

@Suite("Data as the command line names it")
struct DataSpecTests {
    @Test(
        "Each form is understood",
        arguments: [
            ("fashion-mnist", .fashionMNIST), ("idx:a.gz,b", .idx(images: "a.gz", labels: "b")), ("csv:rows.csv", .csv(paths: ["rows.csv"])),
            ("npz:a,b.npz", .npz(path: "a,b.npz")), ("csv:one.csv,two:and three.csv", .csv(paths: ["one.csv", "two:and three.csv"])), ("csv:-", .csv(paths: ["/dev/stdin"])), ("idx:x:1, y", .idx(images: "x:1", labels: " y")),
            ("parquet:a.parquet,-", .parquet(paths: ["a.parquet", "/dev/stdin"])), ("cifar10:/data/cifar", .cifar10(folder: "/data/cifar")), ("libsvm:a,b.gz", .libsvm(path: "a,b.gz")), ("manifest:-", .manifest(path: "/dev/stdin")),
        ] as [(String, DataSpec)])
    func forms(_ text: String, _ expected: DataSpec) throws {
        #expect(try DataSpec(text) == expected)
    }

    @Test("IDX data that does not name two files is refused", arguments: ["idx:", "idx:a", "idx:a,", "idx:,b", "idx:,", "idx:a,b,c", "idx:a,b,"])
    func notTwoFiles(_ text: String) throws {
        let error = try failure { _ = try DataSpec(text) }
        #expect(error.kind == .input)
        #expect(error.description == "'\(text)' is not idx:IMAGES,LABELS; name two files")
    }

    @Test("Anything else is refused with the forms there are", arguments: ["", "mnist", "csv:", "csv", "npz:", "CSV:a", "fashion-mnist ", "a.csv", "cifar10", "cifar10:", "cifar-10:a", "libsvm:", "parquet:"])
    func unknown(_ text: String) throws {
        let error = try failure { _ = try DataSpec(text) }
        #expect(error.kind == .input)
        #expect(error.description == "unknown data '\(text)'; use fashion-mnist, idx:IMAGES,LABELS, cifar10:DIR, csv:FILE, parquet:FILE, npz:FILE, libsvm:FILE or manifest:FILE")
    }

    @Test("Fashion-MNIST comes with test rows, CIFAR-10 where they are in its folder, other files without")
    func testRows() throws {
        let folder = try TemporaryFolder()
        #expect(try DataSpec("fashion-mnist").hasTestRows)
        #expect(try !DataSpec("idx:a,b").hasTestRows && !DataSpec("csv:a").hasTestRows && !DataSpec("parquet:a").hasTestRows && !DataSpec("npz:a").hasTestRows && !DataSpec("libsvm:a").hasTestRows)
        #expect(try !DataSpec("cifar10:\(folder.path)").hasTestRows)
        try folder.write([], to: "test_batch.bin.gz")
        #expect(try DataSpec("cifar10:\(folder.path)").hasTestRows)
    }
}
