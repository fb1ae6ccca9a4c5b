// swift-tools-version: 6.1
import PackageDescription

// Arrows point down only:
//
//   unlearn-main           the executable: calls unlearn-cli
//   unlearn-cli            commands, progress, JSON
//   Jobs                   independent pieces of a long task, for clusters
//   Valuation  Reduction   worth of each provider's rows; rows that share the least information
//   Pages                  requests as pages that somebody signs
//   Unlearn                residual memory, stitch, replay, audit
//   Statistics             functions with the same bits everywhere, lines through points
//   Training  Checkpoints  (neither knows the other)
//   Tensors                layouts, lattice, safetensors, npz
//   Files                  system calls, durable publication, failures
//   Charts                 HTML pages and SVG drawings; knows nobody
//   C…                     system libraries and small vector kernels

/// The compiler fuses nothing by itself: kernels say where one rounding is meant, so that every instruction set gives the same bits.
/// UNLEARN_INSTRUCTIONS, for development, is the most that they may use (4: AVX-512, 3: AVX2, 1: neither): a machine then shows how a
/// lesser one does. Builds of it belong in a scratch path of their own.
let kernelSettings: [CSetting] =
    [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno"])]
    + (Context.environment["UNLEARN_INSTRUCTIONS"].map { [.define("VK_MOST_INSTRUCTIONS", to: $0)] } ?? [])

/// Tests, and what drives programs from outside for them, are compiled as they stand, each module at once: file by file, the macros and
/// the modules would be loaded again and again, at more than twice the work. Their interfaces come of the same pass, not of one more that
/// would let others begin sooner. All modules that they import are named: nothing looks at the others when it is asked what to compile
/// anew, and a test that was compiled for a type as it was crashes.
let quickly: [SwiftSetting] = [.unsafeFlags(["-Onone", "-no-emit-module-separately-wmo"], .when(configuration: .release))]

/// Most of a build went into optimising what steers, words and draws, while all tests take the same time without: they (UNLEARN_TESTING)
/// have it compiled quickly, too, and what computes optimised. `make demo`, `make tours`, `make torture` and `make bench` run all of it as
/// it is installed.
let steering: [SwiftSetting] = Context.environment["UNLEARN_TESTING"] == nil ? [] : quickly

let package = Package(
    name: "unlearn",
    products: [
        .executable(name: "unlearn", targets: ["unlearn-main"]),
        .library(name: "Unlearn", targets: ["Unlearn"]),
        // For development only: loaded before the program under test, never linked.
        .library(name: "FaultShim", type: .dynamic, targets: ["FaultShim"]),
    ],
    targets: [
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CZip", pkgConfig: "libzip", providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CSystem"),
        .target(name: "CVectorKernels", cSettings: kernelSettings),

        .target(name: "Files", dependencies: ["CSystem"]),
        .target(name: "Charts", swiftSettings: steering),
        .target(name: "Tensors", dependencies: ["Files", "CVectorKernels", "CZip"]),
        .target(name: "Training", dependencies: ["Tensors", "Files", "CVectorKernels", "CZlib", "CZstd", "CSodium"]),
        .target(name: "Checkpoints", dependencies: ["Tensors", "Files", "CVectorKernels", "CZstd", "CLZ4", "CSQLite", "CSodium"]),
        .target(name: "Statistics"),
        .target(name: "Unlearn", dependencies: ["Statistics", "Training", "Checkpoints", "Tensors", "Files"], swiftSettings: steering),
        .target(name: "Valuation", dependencies: ["Unlearn", "Statistics", "Training", "Checkpoints", "Tensors", "Files", "Charts"]),
        .target(name: "Jobs", dependencies: ["Valuation", "Unlearn", "Training", "Checkpoints", "Tensors", "Files"], swiftSettings: steering),
        .target(name: "Pages", dependencies: ["Unlearn", "Files", "Charts"], swiftSettings: steering),
        .target(name: "Reduction", dependencies: ["Unlearn", "Training", "Checkpoints", "Files", "CVectorKernels"]),
        .target(name: "unlearn-cli", dependencies: ["Jobs", "Valuation", "Reduction", "Pages", "Unlearn", "Training", "Checkpoints", "Tensors", "Files"], swiftSettings: steering),
        // With the Swift runtime in it, it starts in half the time and runs where no Swift is. The compiler names the libraries behind
        // Foundation only where all modules are compiled for static linking, too. No test may depend on this target, or all tests would be
        // linked like it; they run the program, which is built with them.
        .executableTarget(
            name: "unlearn-main", dependencies: ["unlearn-cli", "Files"],
            linkerSettings: [.unsafeFlags(["-static-stdlib", "-use-ld=lld"])]
                + ["CoreFoundation", "FoundationInternationalization", "_FoundationICU", "_FoundationCShims", "_FoundationCollections"].map { .linkedLibrary($0) }),

        .target(name: "TestSupport", dependencies: ["Files"], path: "Tests/TestSupport"),
        .target(name: "FaultShim", path: "Tests/FaultShim", cSettings: [.unsafeFlags(["-std=gnu17", "-O2", "-Wall", "-Wextra"])]),
        .target(name: "TortureSupport", dependencies: ["Files", "TestSupport"], path: "Tests/Torture/TortureSupport", swiftSettings: quickly),
        .executableTarget(name: "torture", dependencies: ["TortureSupport"], path: "Tests/Torture/torture"),
        .testTarget(name: "TortureTests", dependencies: ["TortureSupport", "Checkpoints", "Files", "TestSupport"], swiftSettings: quickly),
        .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"], swiftSettings: quickly),
        .testTarget(name: "ChartsTests", dependencies: ["Charts"], swiftSettings: quickly),
        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "Files", "TestSupport"], swiftSettings: quickly),
        // The plain trainer computes much, so it is optimised where its tests are not.
        .target(name: "TrainingReference", dependencies: ["Training", "Tensors", "Files"], path: "Tests/TrainingReference"),
        .testTarget(name: "TrainingTests", dependencies: ["Training", "TrainingReference", "Tensors", "Files", "CVectorKernels", "CZlib", "TestSupport"], swiftSettings: quickly),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints", "Tensors", "Files", "CVectorKernels", "CZstd", "TestSupport"], swiftSettings: quickly),
        .testTarget(
            name: "UnlearnTests", dependencies: ["Unlearn", "unlearn-cli", "Statistics", "Training", "Checkpoints", "Tensors", "Files", "TrainingReference", "TestSupport"], resources: [.copy("Fixtures")], swiftSettings: quickly),
        .testTarget(
            name: "ValuationTests", dependencies: ["Valuation", "Unlearn", "Statistics", "Training", "Checkpoints", "Tensors", "Files", "Charts", "TestSupport"], resources: [.copy("Fixtures")], swiftSettings: quickly),
        .testTarget(name: "PagesTests", dependencies: ["Pages", "Unlearn", "Checkpoints", "Files", "TestSupport"], swiftSettings: quickly),
        .testTarget(name: "ReductionTests", dependencies: ["Reduction", "Training", "Files", "CVectorKernels", "TestSupport"], swiftSettings: quickly),
        .target(name: "ProgramSupport", dependencies: ["TestSupport"], path: "Tests/ProgramSupport", swiftSettings: quickly),
        // They run the program and need little of its modules, so they are compiled beside them.
        .testTarget(
            name: "CommandTests", dependencies: ["ProgramSupport", "Checkpoints", "Files", "TestSupport"], resources: [.copy("Fixtures")], swiftSettings: quickly),
        .testTarget(name: "CommandLineTests", dependencies: ["unlearn-cli", "Unlearn", "Checkpoints", "Files", "ProgramSupport", "TestSupport"], swiftSettings: quickly),
        .target(
            name: "FuzzTargets", dependencies: ["unlearn-cli", "Valuation", "Unlearn", "Training", "Checkpoints", "Tensors", "Files", "TestSupport"],
            path: "Tests/FuzzTargets", swiftSettings: Context.environment["UNLEARN_FUZZING"] == nil ? quickly : []),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport"], swiftSettings: quickly),
    ],
    swiftLanguageModes: [.v6]
)

// Links with libFuzzer only, which Scripts/fuzz asks the compiler for.
if Context.environment["UNLEARN_FUZZING"] != nil {
    package.targets.append(.executableTarget(name: "fuzz", dependencies: ["FuzzTargets", "Files", "TestSupport"], path: "Tests/Fuzz"))
}
