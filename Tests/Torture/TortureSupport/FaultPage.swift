import Foundation

/// What the fault shim is told, and what it counted.
struct FaultPage {
    let counted: Int
    let fired: Int
    /// The first call that was made to fail.
    let operation: String

    init(reading path: String) throws {
        let bytes = try Tree.read(path)
        guard bytes.count == 256 else { throw Finding("the fault shim is not loaded: \(path) has \(bytes.count) bytes") }
        counted = Int(bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 0, as: UInt64.self) })
        fired = Int(bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self) })
        operation = String(decoding: bytes[16...].prefix { $0 != 0 }, as: UTF8.self)
    }

    static func environment(folder: String, kind: String, at: Int? = nil, lasts: Bool = false, page: String) -> [String: String] {
        var environment = ["LD_PRELOAD": Program.faultShim, "FAULT_SHIM_FOLDER": folder, "FAULT_SHIM_KIND": kind, "FAULT_SHIM_PAGE": page]
        if let at { environment["FAULT_SHIM_AT"] = "\(at)" }
        if lasts { environment["FAULT_SHIM_LASTS"] = "1" }
        return environment
    }

    static func environment(folder: String, trace: String) -> [String: String] {
        ["LD_PRELOAD": Program.faultShim, "FAULT_SHIM_FOLDER": folder, "FAULT_SHIM_TRACE": trace]
    }
}
