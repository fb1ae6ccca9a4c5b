/// Insertions, deletions and substitutions between two words (Levenshtein).
/// - Complexity: O(|a|·|b|).
package func editDistance(_ a: String, _ b: String) -> Int {
    let a = Array(a), b = Array(b)
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for (j, y) in b.enumerated() {
            let substituted = diagonal + (x == y ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[b.count]
}

/// The known word that somebody who wrote another may have meant, or nil where none is near.
package func nearestWord(to word: String, among known: [String]) -> String? {
    // Nothing is near a word that is longer than all: comparing it would only take time.
    guard word.utf8.count <= 100 else { return nil }
    let nearest = known.filter { $0.utf8.count <= 200 }.map { (word: $0, distance: editDistance(word, $0)) }.min { $0.distance < $1.distance }
    return nearest.flatMap { $0.distance <= max(1, (word.count + 1) / 3) ? $0.word : nil }
}
