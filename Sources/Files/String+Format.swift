import Glibc

extension String {
    /// As C's `printf` writes it, whatever the locale: the program never sets one.
    /// - Parameter format: one directive for a double, such as `%.2f`, and text around it.
    package init(_ format: String, of value: Double) {
        self = withVaList([value]) { arguments in
            // The longest are those of numbers near the largest double, written without an exponent.
            withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
                let count = vsnprintf(buffer.baseAddress!, buffer.count, format, arguments)
                precondition((0..<buffer.count).contains(Int(count)), "a number is written in fewer than 512 characters")
                return String(cString: buffer.baseAddress!)
            }
        }
    }
}
