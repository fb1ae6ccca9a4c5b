internal import CSystem
import Foundation

/// The machine's processor, as far as this process may use it.
public enum Processor {
    /// Cores that the process may run on, which may be fewer than the machine has (`taskset`, a container's set of cores). A quota of
    /// time, as containers have it too, is not counted.
    public static var cores: Int {
        let allowed = Int(unlearn_allowed_cores())
        return allowed > 0 ? allowed : ProcessInfo.processInfo.activeProcessorCount
    }
}
