/// Requests' names in the order of their numbers: R9 comes before R10. A text that is no request's, such as none at all, has its place by length.
extension Sequence<String> {
    public var inOrderOfRequests: [String] { sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) } }
}

extension Dictionary<String, Int> {
    /// What is counted by request, in the order of requests.
    public var inOrderOfRequests: [(request: String, count: Int)] { keys.inOrderOfRequests.map { ($0, self[$0]!) } }
}
