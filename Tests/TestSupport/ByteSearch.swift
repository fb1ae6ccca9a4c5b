import Glibc

extension [UInt8] {
    /// Whether these bytes stand somewhere in it, one after the other. (Foundation's search looks at each place through a collection.)
    public func contains(_ part: [UInt8]) -> Bool {
        guard let first = part.first else { return true }
        return withUnsafeBytes { all in
            part.withUnsafeBytes { part in
                var place = 0
                while place + part.count <= all.count, let next = memchr(all.baseAddress! + place, Int32(first), all.count - part.count - place + 1) {
                    guard memcmp(next, part.baseAddress!, part.count) != 0 else { return true }
                    place = UnsafeRawPointer(next) - all.baseAddress! + 1
                }
                return false
            }
        }
    }

    public func contains(_ text: String) -> Bool { contains(Array(text.utf8)) }
}
