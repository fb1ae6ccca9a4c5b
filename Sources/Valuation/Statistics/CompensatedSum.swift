/// Neumaier's sum: the error of one rounding, whatever the order and the signs (Neumaier, ZAMM 54, 1974).
func compensatedSum(_ terms: some Sequence<Double>) -> Double {
    var sum = 0.0, lost = 0.0
    for term in terms {
        let next = sum + term
        lost += abs(sum) >= abs(term) ? (sum - next) + term : (term - next) + sum
        sum = next
    }
    return sum + lost
}
