import Testing

@testable import Training

@Suite("The cut of a batch")
struct LanesTests {
    @Test("Lanes cover every batch without an empty one, and are as even as rows allow", arguments: 1...300)
    func lanesCover(_ batchSize: Int) {
        let rows = Lanes(batchSize: batchSize).rows
        let count = (batchSize + Lanes.mostRows - 1) / Lanes.mostRows
        #expect((1...Lanes.mostRows).contains(rows))
        #expect(rows * count >= batchSize)
        #expect(rows * (count - 1) < batchSize)
        #expect(rows == 1 || (rows - 1) * count < batchSize)
    }

    @Test("A pass takes at least one row and at most a lane", arguments: [1, 10, 784, 60_000, 100_000, 1_000_000])
    func passesFit(_ features: Int) throws {
        for (model, hidden) in [(.logistic, []), (.mlp, [3]), (.mlp, [256, 128])] as [(ModelName, [Int])] {
            let spec = NetworkSpec(model: model, hidden: hidden, batchSize: 1)
            let network = try Network(spec, input: RowShape(features: features), classes: 10)
            for lane in 1...32 {
                let rows = TrunkPass.rows(of: network, lane: lane)
                #expect((1...lane).contains(rows))
                // Passes of a full lane are even: one row less would need one pass more.
                let passes = (lane + rows - 1) / rows
                #expect(rows == (lane + passes - 1) / passes)
            }
        }
    }

    @Test("A pass of a small network is the whole lane; of one too wide for the cache, a single row")
    func passSizes() throws {
        let spec = NetworkSpec(model: .logistic, batchSize: 1)
        let narrow = try Network(spec, input: RowShape(features: 4), classes: 2)
        let wide = try Network(spec, input: RowShape(features: 1 << 20), classes: 2)
        #expect(TrunkPass.rows(of: narrow, lane: 32) == 32)
        #expect(TrunkPass.rows(of: wide, lane: 32) == 1)
    }
}
