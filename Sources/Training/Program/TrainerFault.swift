import Files

/// Each way in which an outside trainer can fail the engine.
public enum TrainerFault: DescribedError, Equatable {
    case notStarted(command: String, reason: String)
    /// While it was asked for something.
    case ended(request: String, status: String, said: String)
    case silent(request: String, seconds: Double)
    /// It lives, and has closed its side of the answers.
    case closed(request: String)
    /// A setting of the user's that is none.
    case badPatience(String)
    /// Of a worker beside the first one.
    case otherWorker(Int, difference: String)
    case tooLarge(tensor: String, value: String)
    case garbage(String)
    case outOfTurn(asked: Int, answered: Int)
    case refused(request: String, message: String)
    case otherProtocol(String)
    case badDescription(String)
    /// Other tensors than when the project was made.
    case otherTensors(String)
    case badFile(request: String, what: String)
    case badScores(String)
    case unchanged(tensor: String, latticeBits: Int)

    public var kind: FailureKind {
        switch self {
        case .notStarted, .otherProtocol, .badDescription, .otherTensors, .badPatience: .input
        case .otherWorker: .refused
        case .ended, .silent, .closed, .garbage, .outOfTurn, .refused, .badFile, .badScores, .unchanged, .tooLarge: .failed
        }
    }

    public var description: String {
        switch self {
        case .notStarted(let command, let reason): "cannot start the trainer '\(command)': \(reason); check --trainer"
        case .ended(let request, let status, let said):
            "the trainer ended (\(status)) when it was asked to \(request); \(said.isEmpty ? "it said nothing" : "it said last: \(said)"); mend it and run the command again"
        case .silent(let request, let seconds):
            "the trainer gave no sign of life for \(Int(seconds)) s when it was asked to \(request), and was ended; let it send progress, or set UNLEARN_TRAINER_PATIENCE to more seconds"
        case .closed(let request): "the trainer lives and has closed its answers when it was asked to \(request), and was ended; it must keep the pipe open until it is asked to end"
        case .badPatience(let text): "UNLEARN_TRAINER_PATIENCE is '\(Self.excerpt(text))'; give a number of seconds, 0.1 or more"
        case .otherWorker(0, let difference): "the trainer says other facts each time that it is started: \(difference); facts are what may change the bits of training, and nothing else"
        case .otherWorker(let worker, let difference): "worker \(worker) would give other bits than the first one: \(difference); start workers that are alike, or one alone (--workers 1)"
        case .tooLarge(let tensor, let value): "tensor '\(tensor)' holds \(value), and integers are carried up to 32 bits; let it count anew in each block, or leave it out of the state"
        case .garbage(let text): "the trainer answered '\(text)', which is no message of the protocol; nothing but answers may be written to its pipe (Documentation/TrainerProtocol.md)"
        case .outOfTurn(let asked, let answered): "the trainer answered request \(answered) when request \(asked) was asked; it must answer one request after the other"
        case .refused(let request, let message): "the trainer cannot \(request): \(message)"
        case .otherProtocol(let version): "the trainer speaks version \(version) of the protocol, this program \(TrainerRequest.version); install the versions that belong together"
        case .badDescription(let what): "the trainer describes a state that there cannot be: \(what)"
        case .otherTensors(let what): "the trainer is not the one that the project was made with: \(what); start the one that it was, or make a new project"
        case .badFile(let request, let what): "what the trainer wrote when it was asked to \(request) \(what)"
        case .badScores(let what): "the trainer's scores \(what)"
        case .unchanged(let tensor, let bits):
            "training the first block left tensor '\(tensor)' as it was; describe it as a buffer if that is meant; else a higher rate may move it, or a finer lattice (--lattice-bits \(bits) now)"
        }
    }

    /// Somebody else's words on one line.
    static func excerpt(_ text: String) -> String {
        let line = PathText.withoutControls(text)
        return line.count > 300 ? line.prefix(300) + "…" : line
    }
}
