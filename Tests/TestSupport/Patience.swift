import Files
import Foundation

/// So long a test waits for what must come, however loaded the machine is: nothing but a failure takes it.
public let patience = Duration.seconds(300)

/// Waits until something can be seen; gives whether it was.
public func wait(until isSeen: () throws -> Bool) rethrows -> Bool {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < patience {
        if try isSeen() { return true }
        usleep(1000)
    }
    return false
}

/// Takes a lock that this process has just released. A process that another test starts at this moment holds copies of all
/// descriptors until it runs its program, so that the first attempts may be refused.
public func takingLock<Result>(_ body: () throws -> Result) throws -> Result {
    let start = ContinuousClock.now
    while ContinuousClock.now - start < patience {
        do { return try body() } catch let failure as Failure where failure.kind == .locked { usleep(5000) }
    }
    return try body()
}
