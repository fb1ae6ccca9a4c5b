import Files
import Glibc

/// Where rows come from, as the command line names it.
public enum DataSpec: Sendable, Equatable {
    case fashionMNIST
    case idx(images: String, labels: String)
    case cifar10(folder: String)
    case csv(path: String)
    case npz(path: String)
    case libsvm(path: String)

    public init(_ text: String) throws {
        if text == "fashion-mnist" {
            self = .fashionMNIST
        } else if text.hasPrefix("idx:") {
            let parts = text.dropFirst(4).split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
                throw Failure(.input, "'\(text)' is not idx:IMAGES,LABELS; name two files")
            }
            self = .idx(images: parts[0], labels: parts[1])
        } else if text.hasPrefix("cifar10:"), text.count > 8 {
            self = .cifar10(folder: String(text.dropFirst(8)))
        } else if text.hasPrefix("csv:"), text.count > 4 {
            self = .csv(path: String(text.dropFirst(4)))
        } else if text.hasPrefix("npz:"), text.count > 4 {
            self = .npz(path: String(text.dropFirst(4)))
        } else if text.hasPrefix("libsvm:"), text.count > 7 {
            self = .libsvm(path: String(text.dropFirst(7)))
        } else {
            throw Failure(
                .input, "unknown data '\(text)'; use fashion-mnist, idx:IMAGES,LABELS, cifar10:DIR, csv:FILE, npz:FILE or libsvm:FILE")
        }
    }

    /// Whether test rows come with the training rows, so that the same name stands for both.
    public var hasTestRows: Bool {
        switch self {
        case .fashionMNIST: true
        case .cifar10(let folder): CIFAR10Source.hasTestRows(in: folder)
        case .idx, .csv, .npz, .libsvm: false
        }
    }

    /// The training or test files of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), as the Debian package
    /// dataset-fashion-mnist installs them, or under UNLEARN_DATA. Pixels are standardised by the published
    /// mean 0.2860 and deviation 0.3530 of its training part.
    public static func fashionMNIST(test: Bool) throws -> IDXSource {
        let part = test ? "t10k" : "train"
        let override = getenv("UNLEARN_DATA").map { String(cString: $0) }
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
