/// Pairs of permutations, read through surrogates that never saw them.
///
/// Pair k is in fold k mod F. Its reading is the plain marginal one plus, for each surrogate fitted on the other folds, two
/// control variates of mean zero: what the surrogate's own game gives on this pair against its known Shapley values, read as
/// *marginal* and as *reuse* (`OddPath`). Their coefficients are pooled over players and fitted on the other folds too, on
/// readings by surrogates that saw neither fold. So whatever the surrogates are worth, the mean over the pairs is unbiased, and
/// with nothing to learn the coefficients fall to 0, which is plain permutation sampling.
/// (Cross-fitting: Chernozhukov et al., *Double/debiased machine learning*, 2018, §3.)
struct CrossFit {
    static let foldCount = 5
    /// Fewer pairs are read plainly. With one in each fold, surrogates fitted on three already halve the error of ten providers' values,
    /// and their intervals hold where those of so few plain pairs, whose samples are skewed, miss every fifth value.
    static let minimumPairs = 5
    /// Size profiles of each surrogate: the additive model, and the one that saturates.
    static let surrogates = [1, 2]
    let playerCount: Int
    let controls: [ControlGame]
    let ridge: Double
    private var paths: [OddPath] = []
    private var plain: [[Double]] = []
    /// By surrogate, by fold.
    private var sums: [[OddSurrogate.Sums]]

    init(playerCount: Int, controls: [ControlGame], ridge: Double = 0.1) {
        (self.playerCount, self.controls, self.ridge) = (playerCount, controls, ridge)
        sums = Self.surrogates.map { profiles in
            [OddSurrogate.Sums](repeating: .init(playerCount: playerCount, profiles: profiles, controls: controls.count), count: Self.foldCount)
        }
    }

    var count: Int { paths.count }

    mutating func append(_ path: OddPath) {
        let fold = paths.count % Self.foldCount
        for index in sums.indices { sums[index][fold].append(path) }
        paths.append(path)
        plain.append(OddPath.marginal(order: path.order, inner: path.inner, last: path.last))
    }

    struct Readings {
        var moments: SampleMoments
        /// By control game: its mean weight in the estimate.
        var controlWeights: [Double]
        /// What the pairs' own variance has to be multiplied by: readings that share surrogates err together.
        var inflation = 1.0
    }

    /// - Throws: what `checkpoint` throws, which is called while systems are solved.
    /// - Complexity: O(F²·p³ + F·K·n) for p features and K pairs.
    func readings(checkpoint: () throws -> Void) rethrows -> Readings {
        let n = playerCount
        guard n >= 2, count >= Self.minimumPairs else {
            return Readings(moments: SampleMoments(plain, playerCount: n), controlWeights: controls.map { _ in 0 })
        }
        let folds = 0..<Self.foldCount
        // Variates of fold g's pairs by surrogates that saw neither f nor g; for f = g by those that saw all but f.
        var variates = [[[[Double]]]](repeating: [], count: Self.foldCount * Self.foldCount)
        var weights = controls.map { _ in 0.0 }
        var fits = [[OddSurrogate]](repeating: [], count: Self.foldCount)
        for f in folds {
            for g in f..<Self.foldCount {
                let fitted = try surrogates(without: [f, g], checkpoint)
                variates[f * Self.foldCount + g] = members(of: g).map { self.variates(of: $0, fitted) }
                if f == g { fits[f] = fitted } else { variates[g * Self.foldCount + f] = members(of: f).map { self.variates(of: $0, fitted) } }
            }
        }
        var rows = plain
        var shorter = [[Double]](repeating: [Double](repeating: 0, count: n), count: Self.foldCount)
        for f in folds {
            let others = folds.filter { $0 != f }
            let coefficients = Self.coefficients(
                plain: others.flatMap { members(of: $0).map { plain[$0] } }, variates: others.flatMap { variates[f * Self.foldCount + $0] }, playerCount: n)
            for (pair, own) in zip(members(of: f), variates[f * Self.foldCount + f]) {
                for (a, variate) in zip(coefficients, own) {
                    for i in 0..<n { rows[pair][i] += a * variate[i] }
                }
            }
            for g in folds where g != f {
                for (pair, own) in zip(members(of: f), variates[g * Self.foldCount + f]) {
                    for i in 0..<n { shorter[g][i] += zip(coefficients, own).reduce(plain[pair][i]) { $0 + $1.0 * $1.1[i] } }
                }
            }
            for (index, fit) in fits[f].enumerated() {
                let share = (coefficients[2 * index] + coefficients[2 * index + 1]) * Double(members(of: f).count) / Double(count)
                for (g, c) in fit.controlCoefficients.enumerated() { weights[g] += share * c }
            }
        }
        for g in folds { shorter[g] = shorter[g].map { $0 / Double(count - members(of: g).count) } }
        let moments = SampleMoments(rows, playerCount: n)
        return Readings(moments: moments, controlWeights: weights, inflation: Self.inflation(of: moments, without: shorter))
    }

    /// The geometric mean of two variances over the smaller: the pairs', blind to the surrogates they share, and the jackknife's, one
    /// fold left out at a time of the pairs and of the surrogates (not of the coefficients), which overstates what surrogates lose with
    /// a fold. Both summed over players, so that five folds suffice; at least 1. Matters while the surrogates are still learning. A rule of thumb: on saturating games
    /// from 12 to 40 pairs, the true variance is 0.8 to 0.96 of the result (12 players), and 1.1 to 1.6 of the pairs' own (14).
    private static func inflation(of moments: SampleMoments, without fold: [[Double]]) -> Double {
        let folds = Double(fold.count)
        let jackknife = moments.mean.indices.reduce(0.0) { sum, i in
            let centre = fold.reduce(0) { $0 + $1[i] } / folds
            return sum + fold.reduce(0) { $0 + ($1[i] - centre) * ($1[i] - centre) } * (folds - 1) / folds
        }
        let pairs = moments.standardErrors.reduce(0) { $0 + $1 * $1 }
        return pairs > 0 ? max(1, (jackknife / pairs).squareRoot()) : 1
    }

    private func members(of fold: Int) -> [Int] { Array(stride(from: fold, to: count, by: Self.foldCount)) }

    private func surrogates(without left: Set<Int>, _ checkpoint: () throws -> Void) rethrows -> [OddSurrogate] {
        try sums.map { byFold in
            var total = OddSurrogate.Sums(playerCount: playerCount, profiles: byFold[0].profiles, controls: controls.count)
            for fold in byFold.indices where !left.contains(fold) { total.add(byFold[fold]) }
            return try OddSurrogate(total, playerCount: playerCount, ridge: ridge, checkpoint: checkpoint)
        }
    }

    /// Two for each surrogate, by player.
    private func variates(of pair: Int, _ surrogates: [OddSurrogate]) -> [[Double]] {
        let path = paths[pair]
        return surrogates.flatMap { surrogate -> [[Double]] in
            let predicted = surrogate.predict(path)
            let known = surrogate.shapley(last: path.last, controls: controls)
            let marginal = OddPath.marginal(order: path.order, inner: predicted, last: path.last)
            let reuse = OddPath.reuse(order: path.order, inner: zip(path.inner, predicted).map { $0 - $1 }, last: 0)
            return [(0..<playerCount).map { known[$0] - marginal[$0] }, (0..<playerCount).map { known[$0] + reuse[$0] - plain[pair][$0] }]
        }
    }

    /// a that minimises the variance of plain + Σ a·variate, summed over players.
    private static func coefficients(plain: [[Double]], variates: [[[Double]]], playerCount n: Int) -> [Double] {
        let size = variates[0].count, count = Double(plain.count)
        var gram = [Double](repeating: 0, count: size * size), moments = [Double](repeating: 0, count: size)
        for i in 0..<n {
            let centre = plain.reduce(0) { $0 + $1[i] } / count
            let centres = (0..<size).map { d in variates.reduce(0) { $0 + $1[d][i] } / count }
            for (reading, own) in zip(plain, variates) {
                for d in 0..<size {
                    let x = own[d][i] - centres[d]
                    moments[d] -= x * (reading[i] - centre)
                    for e in 0...d { gram[d * size + e] += x * (own[e][i] - centres[e]) }
                }
            }
        }
        for d in 0..<size { gram[d * size + d] += gram[d * size + d] * 1e-6 + .leastNormalMagnitude }
        return Cholesky(gram, size: size, checkpoint: {})?.solve(moments) ?? [Double](repeating: 0, count: size)
    }
}
