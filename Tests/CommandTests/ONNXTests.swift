import Foundation
import ProgramSupport
import TestSupport
import Testing

/// Without onnx, which few machines have: a program of our own stands in for Python. `make interoperability` runs real models.
@Suite("Exports as ONNX", .timeLimit(.minutes(60)))
struct ONNXTests {
    private let shell: Shell

    init() throws {
        shell = try Shell.withTable()
        let made = try shell.run("$U -C p init --data csv:full.csv $A --quiet && $U -C p train --quiet && mkdir bin")
        #expect(made.status == 0, "\(made.errors)")
    }

    /// A stand-in for Python, on a PATH of its own.
    private func python(_ script: String) throws {
        try shell.folder.write("#!/bin/sh\n\(script)\n", to: "bin/python3")
        #expect(try shell.run("chmod +x bin/python3").status == 0)
    }

    @Test("Python is given the bytes of the safetensors file, and what it writes is the file, its owner's alone, wherever Python is")
    func file() throws {
        try python("exec cat")
        let result = try shell.run("""
            set -e; umask 0; $U -C p export --out a.safetensors --quiet
            PATH=$PWD/bin:$PATH $U -C p export --out a.onnx --json > said; cmp a.onnx a.safetensors; [ "$(stat -c %a a.onnx)" = 600 ]
            [ "$(jq .bytes said)" = "$(stat -c %s a.onnx)" ]
            UNLEARN_PYTHON=$PWD/bin/python3 $U -C p export --out $'d\\xff $(touch made);*.onnx' --quiet; cmp $'d\\xff $(touch made);*.onnx' a.safetensors; [ ! -e made ]
            """)
        #expect(result.status == 0, "\(result.errors)")
    }

    @Test("A file that is there stays without --force, and Python is not asked")
    func replacing() throws {
        try python("touch asked; exec cat")
        let result = try shell.run("export PATH=$PWD/bin:$PATH; echo old > a.onnx; $U -C p export --out a.onnx; echo $? > status; $U -C p export --out a.onnx --force --quiet")
        #expect(result.errors.contains("a.onnx is there already; name another file, or replace it with --force"), "\(result.errors)")
        #expect(try shell.run("[ $(cat status) = 2 ] && [ -e asked ] && ! grep -q old a.onnx").status == 0)
        #expect(try shell.run("export PATH=$PWD/bin:$PATH; rm asked; $U -C p export --out a.onnx 2> said; [ ! -e asked ]").status == 0)
    }

    @Test("Where Python or its onnx is missing, or fails, one line says so and nothing is made", arguments: [
        (nil, "cannot write a.onnx: there is no program python3, and Python's onnx writes ONNX files; install both (pip install onnx), or name"),
        ("echo \"Python's onnx cannot be loaded: No module named 'onnx'\" >&2; exit 69",
         "cannot write a.onnx: Python's onnx cannot be loaded: No module named 'onnx'; install it for python3 (pip install onnx), or name"),
        ("echo half; printf 'Traceback\\n  of much\\nMemoryError: all gone\\n' >&2; exit 1", "python3 fails (status 1: MemoryError: all gone); mend it"),
        ("echo half; kill -9 $$", "cannot write a.onnx: python3 was ended by signal 9; is there enough memory?"),
        ("exit 0", "cannot write a.onnx: Python gives nothing"),
    ] as [(String?, String)])
    func failures(script: String?, message: String) throws {
        if let script { try python(script) }
        for (force, old) in [("", nil), ("--force", "old")] as [(String, String?)] {
            if let old { try shell.folder.write(old, to: "a.onnx") }
            let result = try shell.run("PATH=$PWD/bin\(script == nil ? "" : ":$PATH"); exec $U -C p export --out a.onnx \(force)")
            #expect(result.status == 2 && result.errors.contains(message) && result.errors.filter { $0 == "\n" }.count == 1, "\(message): \(result.errors)")
            #expect((try? String(contentsOfFile: shell.folder.file("a.onnx"), encoding: .utf8)) == old)
            #expect(try FileManager.default.contentsOfDirectory(atPath: shell.folder.path).allSatisfy { !$0.hasSuffix(".part") })
        }
    }

    @Test("A deletion whose interim model cannot be written as ONNX deletes nothing")
    func interim() throws {
        let result = try shell.run("""
            $U -C p where --ids <(seq -f u%g 400) --json | jq -r '.rows | map(select(.part == "train")) | max_by(.block).id' > ids; state=$($U -C p status --json | jq .state_digest)
            UNLEARN_PYTHON=/none $U -C p delete --ids ids --method exact --interim a.onnx > said; echo $? > status
            [ $(cat status) = 2 ] && [ "$($U -C p status --json | jq .state_digest)" = "$state" ] && [ ! -e a.onnx ]
            """)
        #expect(result.status == 0 && result.errors.contains("cannot write a.onnx: there is no program /none"), "\(result.errors)")
    }

    @Test("A name with no known ending is refused before Python is looked for")
    func endings() throws {
        try python("touch asked")
        for name in ["model.pt", "onnx", "model.ONNX", "model.onnx.gz"] {
            let result = try shell.run("PATH=$PWD/bin:$PATH; exec $U -C p export --out \(name)")
            #expect(result.status == 2 && result.errors.contains("'\(name)' names no known format; end it in .safetensors, .npz or .onnx"), "\(result.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: shell.folder.file("asked")))
    }
}
