import Files
import Foundation
import Tensors
import Training
import Unlearn
import unlearn_cli

extension FuzzTarget {
    static let idList = FuzzTarget(
        "id-list", samples: ["# people\n\na\r\n b \n\tc\na\n#d\ne", "\u{FEFF}cafe\u{301}\ncaf\u{E9}\n"].map { Array($0.utf8) },
        dictionary: ["\n", "\r\n", "\u{FEFF}", "#", " ", "\t", "\0", "\u{301}", "\u{1100}\u{1161}", "\u{2028}", "\u{85}", "\u{200D}"]
    ) { input in
        let list = try IDList(input, path: "F")
        var seen: Set<String> = [], last = 0
        let lines = input.reduce(1) { $0 + ($1 == 10 ? 1 : 0) }
        for (id, line) in list.entries {
            try expect(IDList.canName(id) && IDList.canonical(id) == id, "the id \(id.debugDescription), which no list can name")
            try expect(line > last && line <= lines && seen.insert(id).inserted, "\(id.debugDescription) twice or out of order")
            last = line
        }
        try expect(!list.entries.isEmpty, "no ids")
    }

    static let settings = FuzzTarget(
        "settings",
        samples: [
            #"{"blockPolicy":"stratified","classNames":["0","1"],"encoding":{"floats":{}},"fingerprint":{"a":"b"},"programVersion":"1","recipe":{"activation":"tanh","batchSize":10,"blocks":30,"epochs":3,"hidden":[4,3],"labelSmoothing":0,"latticeBits":18,"learningRate":0.1,"model":"mlp","momentum":0.9,"width":1,"gradientClip":0,"averaging":0.25,"augmentation":{"shift":2,"flip":true},"pooling":"average","schedule":"linear","seed":0,"weightDecay":0.001},"shape":{"channels":1,"height":1,"width":3},"source":"csv:x","table":{"columns":[{"numeric":{"deviation":1,"mean":0,"name":"x"}},{"oneHot":{"categories":["a","b"],"name":"c"}}]}}"#,
            #"{"blockPolicy":"group","classNames":["0","1","2"],"encoding":{"bytes":{"scale":0.01,"shift":-1}},"fingerprint":{},"programVersion":"","recipe":{"activation":"relu","batchSize":1,"blocks":1,"epochs":1,"hidden":[],"labelSmoothing":0.1,"latticeBits":24,"learningRate":0.03,"model":"lenet5","momentum":0,"width":1,"gradientClip":0,"averaging":0.25,"augmentation":{"shift":2,"flip":true},"pooling":"max","schedule":"inverse","seed":18446744073709551615,"weightDecay":0},"shape":{"channels":3,"height":32,"width":32},"source":"s","testSource":"t"}"#,
        ].map { Array($0.utf8) },
        dictionary: [
            "16777216", "16777217", "65536", "65537", "1000000", "2147483648", "4294967296", "9223372036854775807", "1e400", "1e39", "-1", "0", "null", "\"floats\":{}", "\"numeric\"",
            "\"oneHot\"", "\"bytes\"", "\"shape\"", "\"hidden\":", "\"mlp\"", "\"logistic\"", "\"lenet5\"", "[", "]", "{", "}", ",",
        ]
    ) { input in
        let settings = try ProjectSettings(json: String(decoding: input, as: UTF8.self))
        let (recipe, shape) = (settings.recipe, settings.shape)
        try expect(shape.count >= 1 && shape.count <= 1 << 24 && settings.classNames.count >= 2, "shape \(shape)")
        try expect(Lattice.allowedBits.contains(recipe.trainer.latticeBits) && recipe.plan.blocks >= 1 && recipe.plan.learningRate.isFinite && recipe.plan.learningRate >= 0, "recipe \(recipe)")
        if let program = recipe.program { try expect(StateFile(program.tensors).layout.count >= 1, "recipe \(recipe)") }
        if let network = recipe.network {
            try expect(network.batchSize >= 1 && [network.momentum, network.weightDecay, network.labelSmoothing].allSatisfy { $0.isFinite && $0 >= 0 }, "recipe \(recipe)")
        }
        try expect(settings.encoding.decode([0, 0, 128, 63]).allSatisfy { $0.isFinite }, "an encoding that is not finite")
        if let table = settings.table { try expect(table.features == shape.count, "\(table.features) features in a row of \(shape.count)") }
        // A trainer is made of the settings next; small ones are, here, too.
        if let network = recipe.network, shape.count <= 4096, network.hidden.reduce(0, +) <= 64, network.hidden.count <= 8, settings.classNames.count <= 100, network.batchSize <= 256 {
            _ = try SGDTrainer(network, recipe.plan, input: shape, classes: settings.classNames.count, threads: 1)
        }
        let encoded = try JSONEncoder().encode(settings)
        try expect(try ProjectSettings(json: String(decoding: encoded, as: UTF8.self)) == settings, "settings that change when they are written and read")
    }

    static let groups = FuzzTarget(
        "groups", samples: ["id,group\na,g1\n\"b\",\"g \"\"2\"\"\"\r\nc,\n", "0,north\n1,south\n"].map { Array($0.utf8) },
        dictionary: ["id", "group", "id,group\n", ",", "\"", "\"\"", "\n", "\r\n", "\u{FEFF}", "\0"]
    ) { input in
        let file = MemoryFile(input)
        let groups = try GroupsFile(reading: file.path).groups
        try expect(!groups.isEmpty && groups.count <= input.count, "\(groups.count) groups in \(input.count) bytes")
    }

    /// Words with zero bytes between them, as the system hands them over.
    static let commandLine = FuzzTarget(
        "command-line",
        samples: exampleCalls + ["--help", "help\0init", "init\0--hidden=3,4\0--seed\01\0--threads\02\0--"].map { Array($0.utf8) },
        dictionary: CommandSpec.all.map(\.name) + optionWords
            + ["\0", "=", "--", "-C", "-h", "--version", "help", ",", "1e999", "nan", "-0", "9223372036854775808", "0x10", "é", "\u{301}"]
    ) { input in
        let words = input.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        switch try CommandLineParser(commands: CommandSpec.all).parse(words) {
        case .help(let text): try expect(text.hasPrefix("unlearn"), "help without a word")
        case .version: break
        case .run(let command, let invocation):
            try expect(!invocation.folder.isEmpty && words.contains(command.name), "a command that nobody named")
            for option in command.allOptions where invocation.text(option.name) != nil {
                // Every option under every reading: none may do worse than say no.
                for read in readings { do { try read(invocation, option.name) } catch is any DescribedError { continue } }
            }
            _ = try invocation.threads
        }
    }

    private static let exampleCalls: [[UInt8]] = CommandSpec.all.map { command in
        let words = command.example.split(separator: " ")
        // What a shell takes for itself, and whatever stands behind it, does not come to the program.
        return Array(words.drop { $0 != "unlearn" }.dropFirst().prefix { !["&&", "|", ">"].contains($0) }.joined(separator: "\0").utf8)
    }

    private static let optionWords: [String] = Set(CommandSpec.all.flatMap(\.allOptions).map { "--" + $0.name }).sorted()

    private static let readings: [@Sendable (Invocation, String) throws -> Void] = [
        { try expect((0...1_000_000).contains(try $0.integer($1, in: 0...1_000_000) ?? 0), "a number out of its range") },
        { try expect((try $0.integers($1, in: 1...9) ?? [1]).allSatisfy { (1...9).contains($0) }, "a number out of its range") },
        { try expect((0...1e12).contains(try $0.number($1, in: 0...1e12) ?? 0), "a number out of its range") },
        { try expect((try $0.numbers($1, in: 0...0.5) ?? [0]).allSatisfy { (0...0.5).contains($0) }, "a number out of its range") },
        { try expect(!(try DataSpec($0.text($1) ?? "csv:x") == .csv(paths: [""])), "data without a name") },
    ]
}
