import Files
import Foundation
import TestSupport
import Testing

@testable import Training

@Suite("CIFAR-10, binary version")
struct CIFAR10SourceTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private static let record = SampleFiles.cifar10(1, seed: 1)

    /// Five batches and one of test rows; batch i has i records.
    private func batches(in name: String = "", zipped: Bool = false) throws -> (training: [[UInt8]], test: [UInt8]) {
        if !name.isEmpty { try FileSystem.makeFolder(folder.file(name)) }
        func write(_ bytes: [UInt8], _ batch: String) throws {
            _ = try zipped ? folder.writeGzip(bytes, to: "\(name)/\(batch).bin.gz") : folder.write(bytes, to: "\(name)/\(batch).bin")
        }
        let training = (1...5).map { SampleFiles.cifar10($0, seed: UInt64($0)) }, test = SampleFiles.cifar10(12, seed: 9)
        for (index, bytes) in training.enumerated() { try write(bytes, "data_batch_\(index + 1)") }
        try write(test, "test_batch")
        return (training, test)
    }

    private func rows(_ source: CIFAR10Source) throws -> [[UInt8]] {
        var rows: [[UInt8]] = []
        try source.forEachRow { position, id, features in
            #expect(position == rows.count && id == nil)
            rows.append(Array(features))
        }
        return rows
    }

    @Test("Batches are read in order, from the folder or the archive's own, plain or gzip", arguments: ["", "cifar-10-batches-bin"], [false, true])
    func roundTrip(name: String, zipped: Bool) throws {
        let (training, test) = try batches(in: name, zipped: zipped)
        for (isTest, bytes) in [(false, training.flatMap { $0 }), (true, test)] {
            let source = try CIFAR10Source(folder: folder.path, test: isTest), survey = try source.survey()
            #expect(survey.shape == RowShape(channels: 3, height: 32, width: 32))
            #expect(survey.labels == stride(from: 0, to: bytes.count, by: 3073).map { Int32(bytes[$0]) })
            #expect(survey.classNames == (0...9).map(String.init) && survey.groups.isEmpty && !survey.hasIDs)
            #expect(try rows(source) == stride(from: 0, to: bytes.count, by: 3073).map { Array(bytes[$0 + 1..<$0 + 3073]) })
        }
        #expect(CIFAR10Source.hasTestRows(in: folder.path))
    }

    @Test("One scale serves all channels: that of the published means and deviations taken together")
    func standardisation() throws {
        let means = [0.4914, 0.4822, 0.4465], deviations = [0.2470, 0.2435, 0.2616]
        let mean = means.reduce(0, +) / 3
        let deviation = (zip(means, deviations).reduce(0) { $0 + $1.1 * $1.1 + ($1.0 - mean) * ($1.0 - mean) } / 3).squareRoot()
        expectClose(CIFAR10Source.encoding.decode([0, 51, 255]), [0, 0.2, 1].map { ($0 - mean) / deviation }, floor: 1e-3)
    }

    private func refusal(test: Bool = false) throws -> String {
        let error = try failure { _ = try CIFAR10Source(folder: folder.path, test: test).survey() }
        #expect(error.kind == .input)
        return error.description
    }

    @Test("A batch that is not there is named", arguments: ["data_batch_1.bin", "data_batch_3.bin", "data_batch_5.bin", "test_batch.bin"])
    func missing(name: String) throws {
        _ = try batches()
        try FileSystem.remove(folder.file(name))
        #expect(
            try refusal(test: name == "test_batch.bin")
                == "no file \(name) in \(folder.path); unpack cifar-10-binary.tar.gz (the binary version) and name its folder")
        #expect(CIFAR10Source.hasTestRows(in: folder.path) == (name != "test_batch.bin"))
    }

    @Test("What is no folder is refused")
    func noFolder() throws {
        for path in [folder.file("none"), try folder.write("", to: "file")] {
            let error = try failure { _ = try CIFAR10Source(folder: path, test: false) }
            #expect(error.kind == .input && error.description == "\(path) is no folder; unpack cifar-10-binary.tar.gz and name its folder")
        }
    }

    @Test("A batch that is a folder, a pipe or a broken link is refused, and a link to a batch is read")
    func noFiles() throws {
        let (training, _) = try batches(), path = folder.file("data_batch_2.bin")
        func replace(_ make: () throws -> Void) throws {
            try FileSystem.removeTree(path)
            try make()
        }
        try replace { try FileSystem.makeFolder(path) }
        #expect(try refusal() == "\(path) is not a regular file; name a file")
        try replace { #expect(mkfifo(path, 0o600) == 0) }
        #expect(try refusal() == "nothing comes out of the pipe \(path); start what writes to it first")
        try replace { #expect(symlink(folder.file("absent"), path) == 0) }
        #expect(try refusal() == "no file \(path); check the path")
        let elsewhere = try folder.write(training[1], to: "elsewhere")
        try replace { #expect(symlink(elsewhere, path) == 0) }
        #expect(try CIFAR10Source(folder: folder.path, test: false).survey().rows == 15)
    }

    @Test("A record cut anywhere, a label beyond 9 and an empty batch are named by file and record")
    func damage() throws {
        _ = try batches()
        let path = folder.file("data_batch_4.bin")
        for count in [1, 2, 1024, 3072] {
            try folder.write(SampleFiles.cifar10(2, seed: 4) + Self.record.prefix(count), to: "data_batch_4.bin")
            #expect(try refusal() == "\(path) ends early: record 3 has \(count) of 3073 bytes; fetch the file again")
        }
        for label in [10, 255] as [UInt8] {
            try folder.write(Self.record + [label] + Self.record.dropFirst(), to: "data_batch_4.bin")
            #expect(try refusal() == "\(path), record 2 has label \(label) where CIFAR-10 has 0 to 9; fetch the file again")
        }
        try folder.write([], to: "data_batch_4.bin")
        #expect(try refusal() == "\(path) has no records; fetch the file again")
    }

    @Test("A gzip batch cut anywhere is bad input")
    func truncated() throws {
        let whole = try FileSystem.read(folder.writeGzip(SampleFiles.cifar10(2, seed: 3), to: "whole.gz"))
        for length in stride(from: 0, to: whole.count, by: 7) {
            let path = try folder.write(Array(whole[..<length]), to: "cut.gz")
            let error = try failure { _ = try CIFAR10Source(paths: [path]).survey() }
            #expect(error.kind == .input && error.description.contains(path), "cut to \(length) bytes: \(error)")
        }
    }
}
