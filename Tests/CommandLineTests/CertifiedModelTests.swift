import Files
import Testing
import Unlearn

@testable import unlearn_cli

/// What is said of a model's file beside a certificate.
@Suite("Models beside certificates")
struct CertifiedModelTests {
    private let digests = ServedModel.FileDigests(state: "aa", serving: "bb")

    private func sentence(_ known: CertifiedModel?...) throws -> String { try CertifiedModel.sentence("F", digests, among: known.compactMap { $0 }) }

    @Test("A certificate that names no digest of what is served says that the tensors alone were compared")
    func olderVersion() throws {
        let said = try sentence(CertifiedModel(what: "the model right after the request", state: "aa", serving: nil))
        #expect(said.hasPrefix("F has the tensors of the model right after the request; NOT compared is what it says of how rows become predictions"))
    }

    @Test("The model is found among those that are named, by both digests")
    func found() throws {
        let after = CertifiedModel(what: "the model right after", state: "aa", serving: "cc"), interim = CertifiedModel(what: "the interim model", state: "aa", serving: "bb")
        #expect(try sentence(after, interim) == "F is the interim model")
        #expect { try sentence(after) } throws: { ($0 as? Failure)?.kind == .refused && "\($0)".contains("it was altered") }
        #expect { try sentence(CertifiedModel(what: "a", state: "ab", serving: "bb")) } throws: { "\($0)" == "F holds the state aa…, which is another model: a is ab…; what later requests or training made has certificates of its own" }
        #expect { try sentence(CertifiedModel(what: "a", state: nil, serving: nil)) } throws: { "\($0)".contains("the certificate names none to compare it with") }
    }
}
