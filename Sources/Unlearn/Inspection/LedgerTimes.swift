import Checkpoints
import Foundation

/// The times that a ledger's entries name. Each is what the clock of its machine said, and clocks are set back: times that run
/// backwards are remarked, and are no fault. The order of entries is what is signed, not their times.
enum LedgerTimes {
    private static let mostRemarks = 10

    static func remarks(_ entries: [StoredLedgerEntry]) -> [String] { remarks(entries.map { ($0.position, $0.entry.time) }) }

    /// - Parameter times: ISO 8601, UTC, in the ledger's order.
    static func remarks(_ times: [(position: Int, time: String)]) -> [String] {
        var remarks: [String] = []
        var latest: (position: Int, time: String, date: Date)?
        for (position, time) in times {
            guard let date = try? Date(time, strategy: .iso8601) else {
                remarks.append("remark: entry \(position) of the ledger names no time that can be read")
                continue
            }
            if let latest, date < latest.date {
                remarks.append(
                    "remark: entry \(position) of the ledger is dated \(time), before entry \(latest.position) (\(latest.time)): a clock was set back, or was ahead")
            } else {
                latest = (position, time, date)
            }
        }
        let more = remarks.count - mostRemarks
        return more > 0 ? remarks.prefix(mostRemarks) + ["remark: \(more) more entries of the ledger are dated before earlier ones"] : remarks
    }
}
