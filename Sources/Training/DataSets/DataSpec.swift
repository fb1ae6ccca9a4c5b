import Files

/// Where rows come from, as the command line names it.
public enum DataSpec: Sendable, Equatable {
    case fashionMNIST
    case idx(images: String, labels: String)
    case cifar10(folder: String)
    /// One table, or several that are read one behind the other.
    case csv(paths: [String])
    /// The same in Apache Parquet's format.
    case parquet(paths: [String])
    case npz(path: String)
    case libsvm(path: String)
    /// Names of rows that only the trainer holds.
    case manifest(path: String)

    /// Every form in which it is named, for help, completion and refusals.
    public static let forms = ["fashion-mnist", "idx:IMAGES,LABELS", "cifar10:DIR", "csv:FILE", "parquet:FILE", "npz:FILE", "libsvm:FILE", "manifest:FILE"]

    public init(_ text: String) throws {
        // By scalars: a colon or comma with a combining mark behind it is another character, and the mark part of a name.
        func rest(behind kind: String) -> String? {
            text.unicodeScalars.starts(with: kind.unicodeScalars) ? String(text.unicodeScalars.dropFirst(kind.unicodeScalars.count)) : nil
        }
        /// `-` is standard input.
        func file(behind kind: String) -> String? { rest(behind: kind).map { $0 == "-" ? "/dev/stdin" : $0 } }
        if text == "fashion-mnist" {
            self = .fashionMNIST
        } else if let paths = rest(behind: "idx:") {
            let parts = paths.unicodeScalars.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
                throw Failure(.input, "'\(text)' is not idx:IMAGES,LABELS; name two files")
            }
            self = .idx(images: parts[0], labels: parts[1])
        } else if let folder = rest(behind: "cifar10:"), !folder.isEmpty {
            self = .cifar10(folder: folder)
        } else if let path = file(behind: "csv:"), !path.isEmpty {
            self = .csv(paths: try Self.files(path, "csv", text))
        } else if let path = file(behind: "parquet:"), !path.isEmpty {
            self = .parquet(paths: try Self.files(path, "parquet", text))
        } else if let path = rest(behind: "npz:"), !path.isEmpty {
            self = .npz(path: path)
        } else if let path = file(behind: "libsvm:"), !path.isEmpty {
            self = .libsvm(path: path)
        } else if let path = file(behind: "manifest:"), !path.isEmpty {
            self = .manifest(path: path)
        } else {
            throw Failure(.input, "unknown data '\(text)'; use \(Self.forms.dropLast().joined(separator: ", ")) or \(Self.forms.last!)")
        }
    }

    /// The files of a table.
    private static func files(_ path: String, _ kind: String, _ text: String) throws -> [String] {
        // A name may hold a comma, and is then one file.
        guard !FileSystem.exists(path) else { return [path] }
        let paths = path.unicodeScalars.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
        guard paths.allSatisfy({ !$0.isEmpty }) else { throw Failure(.input, "'\(text)' names a file without a name; write \(kind):FILE or \(kind):FILE,FILE") }
        return paths.map { $0 == "-" ? "/dev/stdin" : $0 }
    }

    /// Whether test rows come with the training rows, so that the same name stands for both.
    public var hasTestRows: Bool {
        switch self {
        case .fashionMNIST: true
        case .cifar10(let folder): CIFAR10Source.hasTestRows(in: folder)
        case .idx, .csv, .parquet, .npz, .libsvm, .manifest: false
        }
    }

    /// Whether its columns have names and become features one by one.
    public var isTable: Bool {
        switch self {
        case .csv, .parquet: true
        case .fashionMNIST, .idx, .cifar10, .npz, .libsvm, .manifest: false
        }
    }

    /// The training or test files of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), as the Debian package
    /// dataset-fashion-mnist installs them, or under UNLEARN_DATA. Pixels are standardised by the published
    /// mean 0.2860 and deviation 0.3530 of its training part.
    public static func fashionMNIST(test: Bool) throws -> IDXSource {
        let part = test ? "t10k" : "train"
        let override = PathText.environment("UNLEARN_DATA")
        let folders = override.map { [$0, $0 + "/fashion-mnist"] } ?? ["/usr/share/datasets/fashion-mnist"]
        for folder in folders {
            for ending in [".gz", ""] {
                let images = "\(folder)/\(part)-images-idx3-ubyte\(ending)", labels = "\(folder)/\(part)-labels-idx1-ubyte\(ending)"
                if FileSystem.exists(images) && FileSystem.exists(labels) {
                    return IDXSource(images: images, labels: labels, mean: 0.2860, deviation: 0.3530)
                }
            }
        }
        throw Failure(.input, "Fashion-MNIST is not in \(folders[0]); install the Debian package dataset-fashion-mnist or set UNLEARN_DATA")
    }
}
