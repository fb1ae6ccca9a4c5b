import Tensors

/// A trainer that is a program of the user's (Documentation/TrainerProtocol.md): what it was when the project was made.
public struct ProgramSpec: Codable, Sendable, Equatable {
    /// For the shell.
    public var command: String
    /// Where the project was made: words of the command are found from there.
    public var folder: String
    /// What it calls itself.
    public var name: String
    /// What a state is made of, in order.
    public var tensors: [StateTensor]
    /// Names of those that training need not change.
    public var buffers: [String]
    /// k of the tensors that have no lattice of their own.
    public var latticeBits: Int
    public var seed: UInt64
    /// Whether rows are the program's alone: it is told their names, and which to erase. Nil: no.
    public var holdsRows: Bool?

    public init(command: String, folder: String, name: String, tensors: [StateTensor], buffers: [String], latticeBits: Int, seed: UInt64, holdsRows: Bool = false) {
        self.command = command
        self.folder = folder
        self.name = name
        self.tensors = tensors
        self.buffers = buffers
        self.latticeBits = latticeBits
        self.seed = seed
        self.holdsRows = holdsRows ? true : nil
    }

    public static let mostParameters = 1 << 30
    static let longestName = 200

    /// What in it cannot be; nil where all may.
    public var fault: String? {
        if command.isEmpty || command.contains("\0") || folder.contains("\0") { return "it has no command" }
        if tensors.isEmpty { return "it has no tensors" }
        if Set(tensors.map(\.name)).count < tensors.count { return "two tensors have one name" }
        var count = 0
        for tensor in tensors {
            if tensor.name.isEmpty || tensor.name == "__metadata__" { return "a tensor has no usable name" }
            if !StateTensor.allowedBits.contains(tensor.bits) || (tensor.bits != 0 && !tensor.element.isFloatingPoint) { return "tensor '\(tensor.name)' has \(tensor.bits) bits" }
            var size = 1
            for dimension in tensor.shape {
                guard dimension >= 0, case let (product, overflow) = size.multipliedReportingOverflow(by: dimension), !overflow, product <= Self.mostParameters else {
                    return "tensor '\(tensor.name)' has the shape \(tensor.shape)"
                }
                size = product
            }
            count += size
            if count > Self.mostParameters { return "it has more than \(Self.mostParameters) numbers" }
        }
        return count == 0 ? "its tensors hold no number" : nil
    }
}

/// What trains: a built-in network, or a program of the user's.
public enum TrainerSpec: Sendable, Equatable {
    case network(NetworkSpec)
    case program(ProgramSpec)

    /// Of all that is drawn.
    public var seed: UInt64 {
        switch self {
        case .network(let spec): spec.seed
        case .program(let spec): spec.seed
        }
    }

    /// Parameters are multiples of 2 to minus this at a block's end; of a program's, those that have no lattice of their own.
    public var latticeBits: Int {
        switch self {
        case .network(let spec): spec.latticeBits
        case .program(let spec): spec.latticeBits
        }
    }

    /// For people.
    public var name: String {
        switch self {
        case .network(let spec): spec.model.rawValue
        case .program(let spec): spec.name
        }
    }
}
