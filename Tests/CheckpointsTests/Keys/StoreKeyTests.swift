import Files
import Foundation
import TestSupport
import Testing

@testable import Checkpoints

@Suite("A project and its key")
struct StoreKeyTests {
    private let project: SampleProject
    private var keyFile: String { project.folder.file("project.key") }

    init() throws { project = try SampleProject() }

    private func refusal(_ access: Store.Access) -> Failure? {
        #expect(throws: Failure.self) { _ = try takingLock { try Store(opening: project.path, access) } }
    }

    @Test("A project opened with another one's key is refused", arguments: [Store.Access.read, .write, .inspect])
    func otherKey(access: Store.Access) throws {
        try FileSystem.remove(keyFile)
        _ = try KeyFile(path: keyFile, isOwn: true).create()
        let message = "the key in \(keyFile) is not this project's; put the right file there or name it with UNLEARN_KEY_FILE"
        #expect(refusal(access) == Failure(.damaged, message))
        #expect(try project.files().count == 9)
    }

    @Test("A project without its key is not opened", arguments: [Store.Access.read, .write, .inspect])
    func noKey(access: Store.Access) throws {
        try FileSystem.remove(keyFile)
        #expect(refusal(access)?.kind == .input)
        #expect(try project.files().count == 9)
    }

    @Test("A project whose key others can read is not opened", arguments: [Store.Access.read, .write, .inspect])
    func readableByOthers(access: Store.Access) throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: keyFile)
        #expect(refusal(access)?.kind == .input)
    }

    @Test("The public key in the folder is the project's, and one that is not is named")
    func publicKey() throws {
        let path = project.folder.file("signing-key.pem"), store = try project.reader()
        #expect(PublicKey(text: String(decoding: try FileSystem.read(path), as: UTF8.self)) == store.publicKey)
        #expect(try store.keyFaults() == [])
        let faults = ["\(path) is not the project's public key; 'unlearn status --json' prints it"]
        let another = SigningKey(seed: .another).publicKey
        for text in ["", "rubbish", another.pem, String(repeating: store.publicKey.pem, count: 100)] {
            try project.folder.write(text, to: "signing-key.pem")
            #expect(try store.keyFaults() == faults)
        }
        try project.folder.write(store.publicKey.description, to: "signing-key.pem")
        #expect(try store.keyFaults() == [])
        try FileSystem.remove(path)
        #expect(try store.keyFaults() == ["\(path) is missing; 'unlearn status --json' prints the public key"])
    }

    @Test("An abandoned creation takes the key that it made with it, and leaves one that was there before")
    func abandons() throws {
        let folder = try TemporaryFolder()
        try Store(creating: folder.path).abandonCreation()
        #expect(try FileSystem.names(in: folder.path) == [])
        let key = try KeyFile(path: folder.file("project.key"), isOwn: true).create()
        try takingLock { try Store(creating: folder.path) }.abandonCreation()
        #expect(try FileSystem.names(in: folder.path) == ["project.key"])
        #expect(try KeyFile(path: folder.file("project.key"), isOwn: true).read().exposed == key.exposed)
    }

    // The environment belongs to the whole process, so that each of these tests has one of its own.

    @Test("A project whose key was moved away opens with the key that UNLEARN_KEY_FILE names")
    func movedAway() throws {
        try inOwnProcess { _ in
            let project = try SampleProject(), elsewhere = try TemporaryFolder()
            try FileManager.default.moveItem(atPath: project.folder.file("project.key"), toPath: elsewhere.file("key"))
            setenv("UNLEARN_KEY_FILE", elsewhere.file("key"), 1)
            #expect(try project.reader().influence(of: 1) == SampleProject.record(.influence, 1).vector)
            let store = try project.writer()
            try store.transaction { change in try change.removeKeyframes { $0 >= 2 } }
            #expect(!FileSystem.exists(project.folder.file("project.key")))

            setenv("UNLEARN_KEY_FILE", elsewhere.file("absent"), 1)
            let missing = #expect(throws: Failure.self) { _ = try project.reader() }
            #expect(missing?.kind == .input && missing?.description.contains(elsewhere.file("absent")) == true)

            _ = try KeyFile(path: elsewhere.file("other"), isOwn: false).create()
            setenv("UNLEARN_KEY_FILE", elsewhere.file("other"), 1)
            let wrong = #expect(throws: Failure.self) { _ = try project.reader() }
            #expect(wrong?.kind == .input && wrong?.description.contains("is not this project's") == true)

            // As if it were not set.
            setenv("UNLEARN_KEY_FILE", "", 1)
            let none = #expect(throws: Failure.self) { _ = try project.reader() }
            #expect(none?.kind == .input && none?.description.contains(project.folder.file("project.key")) == true)
        }
    }

    @Test("A project's own key file comes before the one that UNLEARN_KEY_FILE names")
    func ownFirst() throws {
        try inOwnProcess { _ in
            let project = try SampleProject(), elsewhere = try TemporaryFolder()
            _ = try KeyFile(path: elsewhere.file("other"), isOwn: false).create()
            setenv("UNLEARN_KEY_FILE", elsewhere.file("other"), 1)
            #expect(try project.reader().influence(of: 1) == SampleProject.record(.influence, 1).vector)
        }
    }

    @Test("A new project takes the key that UNLEARN_KEY_FILE names, or makes it there, and keeps none of its own")
    func createsElsewhere() throws {
        try inOwnProcess { _ in
            let elsewhere = try TemporaryFolder()
            setenv("UNLEARN_KEY_FILE", elsewhere.file("key"), 1)
            var publicKeys: [PublicKey] = []
            for _ in 1...2 {
                let folder = try TemporaryFolder()
                do {
                    let store = try Store(creating: folder.path)
                    try store.transaction { change in
                        try change.set("key", to: "value")
                        try change.append(LedgerEntry(.created))
                    }
                    try store.publishCreation()
                }
                #expect(try FileSystem.names(in: folder.path) == ["catalogue.sqlite", "ledger-witness", "objects", "signing-key.pem", "unlearn.lock"])
                let store = try Store(opening: folder.path, .read)
                #expect(try store.setting("key") == "value")
                publicKeys.append(store.publicKey)
            }
            // Both have the same.
            #expect(publicKeys[0] == publicKeys[1])
            let folder = try TemporaryFolder()
            try Store(creating: folder.path).abandonCreation()
            #expect(try FileSystem.names(in: elsewhere.path) == ["key"])
        }
    }
}
