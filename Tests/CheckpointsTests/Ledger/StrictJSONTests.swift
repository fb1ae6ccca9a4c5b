import Foundation
import Testing

@testable import Checkpoints

@Suite("Strict JSON")
struct StrictJSONTests {
    private struct Table: Decodable {
        struct Member: Decodable {
            let name: String
            let text: String
            let hex: String?
            let behind: String?

            var bytes: [UInt8] { Array(text.utf8) + Hexadecimal.decode(hex ?? "")! + Array((behind ?? "").utf8) }
        }
        let members: [Member]
    }

    /// What the verifier in Python is tested with, too.
    private static func members() throws -> [Table.Member] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try JSONDecoder().decode(Table.self, from: Data(contentsOf: root.appendingPathComponent("Interoperability/forgeries.json"))).members
    }

    @Test("Members that two readers might take differently are refused, at the outside and further in")
    func forgedMembers() throws {
        let members = try Self.members()
        #expect(members.count > 40)
        for member in members {
            let object = Array("{".utf8) + member.bytes + Array(#""end":0}"#.utf8)
            #expect(throws: StrictJSON.Fault.self, "\(member.name)") { try StrictJSON.validate(object) }
            #expect(throws: StrictJSON.Fault.self, "\(member.name)") { try StrictJSON.validate(Array(#"{"a":[1,"#.utf8) + object + Array("]}".utf8)) }
        }
    }

    @Test(
        "Everything else that is JSON is accepted",
        arguments: [
            "{}", "[]", "0", "-0", "\"\"", "null", " { } ", "\t[ 1 , 2 ]\r\n", "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}", "1.5e-300", "0.0", "1E+5", "-9223372036854775808",
            "9223372036854775807", "\"\\ud83d\\ude00 \u{1F600} \\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u00e9\"", "{\"\":1,\"a.b\":2,\"a-b\":3,\"a b\":4}",
            String(repeating: "[", count: 64) + String(repeating: "]", count: 64),
        ])
    func accepted(text: String) throws { try StrictJSON.validate(Array(text.utf8)) }

    @Test(
        "A value is what Foundation's decoder makes of it",
        arguments: [
            "{\"a\":{\"b\":[null,true,false,{}]},\"c\":[],\"d\":\"\"}", "[0,-0,1,-1,9223372036854775807,-9223372036854775808]",
            "[0.5,1.0,-0.0,1e2,1E+5,1.5e-300,1e20,9.223372036854775807e18,0.1,123456789.125,5e-324,1.7976931348623157e308,2.5E-1]",
            "[1.152921504606847e18,-1.152921504606847E+18,9007199254740993.0,9007199254740993.5,9007199254740991.0,9007199254740992.0,1e18,123456789012345678.0]",
            "[\"plain\",\"\\ud83d\\ude00 \u{1F600} é\",\"\\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u00e9\\u000a\",\"e\\u0301\",\"\\ud7ff\\ue000\"]", " [ { \"a\" : 1 } , 2 ] ", "\"\\n\"", "7",
        ])
    func sameValues(text: String) throws {
        let value = try StrictJSON.value(of: Array(text.utf8)), decoded = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        #expect(value == decoded)
        // Strings are equal also where their letters are put together differently, and bytes are not.
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        #expect(try encoder.encode(value) == encoder.encode(decoded))
    }

    @Test(
        "A text that is no value, or more than one, is refused",
        arguments: ["", " ", "{", "[", "\"", "[1", "{\"a\"", "{\"a\":", "{\"a\":1", "1 2", "{}{}", "nul", "nulls", "-", "\u{FEFF}{}", "[1,2,]", "{,}", String(repeating: "[", count: 65) + String(repeating: "]", count: 65)])
    func refused(text: String) { #expect(throws: StrictJSON.Fault.self) { try StrictJSON.validate(Array(text.utf8)) } }

    @Test("A fault is named with its place")
    func place() {
        #expect(throws: StrictJSON.Fault(what: "a key twice", offset: 15)) { try StrictJSON.validate(Array(#"{"a":1,"\u0061":2}"#.utf8)) }
    }

    @Test("Base64 has one text for the same bytes", arguments: ["QQ", "QQ=", "QR==", "QQ== ", " QQ==", "QQ==\n", "QQ==QQ==", "Q-==", "QQ==="])
    func base64(text: String) {
        #expect(StrictJSON.bytes(base64: text) == nil)
        #expect(StrictJSON.bytes(base64: "QQ==") == [0x41] && StrictJSON.bytes(base64: "") == [])
    }
}
