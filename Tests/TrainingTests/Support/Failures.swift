import Files

struct NothingThrown: Error {}

/// The described error that `body` throws. Any other error passes through and fails the test, as does success.
func failure(of body: () throws -> Void) throws -> any DescribedError {
    do {
        try body()
    } catch let error as any DescribedError {
        return error
    }
    throw NothingThrown()
}
