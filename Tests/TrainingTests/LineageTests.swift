import Testing

@testable import Training

@Suite("Lineages")
struct LineageTests {
    @Test("A chain is the lineage with parent(i) = i - 1")
    func chain() {
        let chain = Lineage(chain: 7)
        #expect(chain.isChain && chain.stem == 7 && chain.tips == [7] && chain.depth == 7)
        for block in 1...7 {
            #expect(chain.parent(of: block) == block - 1 && chain.branch(of: block) == nil && chain.depth(of: block) == block)
            #expect(chain.path(to: block) == Array(1...block) && chain.descendants(of: block) == block + 1..<8)
        }
    }

    @Test("Branches start from the stem's end and know nothing of each other")
    func branches() {
        let lineage = Lineage(stem: 4, branches: 3, length: 2)
        #expect(lineage.blocks == 10 && lineage.tips == [6, 8, 10] && lineage.depth == 6 && !lineage.isChain)
        #expect((1...10).map(lineage.parent) == [0, 1, 2, 3, 4, 5, 4, 7, 4, 9])
        #expect((1...10).map { lineage.branch(of: $0) ?? 0 } == [0, 0, 0, 0, 1, 1, 2, 2, 3, 3])
        #expect(lineage.path(to: 8) == [1, 2, 3, 4, 7, 8] && lineage.path(to: 0) == [])
        #expect(lineage.descendants(of: 7) == 8..<9 && lineage.descendants(of: 8).isEmpty && lineage.descendants(of: 2) == 3..<11)
        #expect(lineage.depth(of: 10) == 6 && lineage.depth(of: 3) == 3)
    }

    @Test("Without a stem, branches start from the initialisation", arguments: [1, 5])
    func noStem(length: Int) {
        let lineage = Lineage(stem: 0, branches: 4, length: length)
        for branch in 1...4 {
            let blocks = lineage.blocks(ofBranch: branch)
            #expect(lineage.parent(of: blocks.lowerBound) == 0 && blocks.count == length && lineage.path(to: blocks.upperBound) == Array(blocks))
        }
    }

    @Test("A block's path is its parents', and its descendants are those whose paths lead over it", arguments: [
        Lineage(chain: 9), Lineage(stem: 3, branches: 2, length: 3), Lineage(stem: 0, branches: 3, length: 2), Lineage(stem: 5, branches: 4, length: 1),
    ])
    func consistent(lineage: Lineage) {
        for block in 1...lineage.blocks {
            var path: [Int] = [], at = block
            while at > 0 { path.insert(at, at: 0); at = lineage.parent(of: at) }
            #expect(lineage.path(to: block) == path && lineage.depth(of: block) == path.count)
            #expect(Array(lineage.descendants(of: block)) == (1...lineage.blocks).filter { $0 != block && lineage.path(to: $0).contains(block) })
        }
    }

    @Test("A stem's rate goes half the way of its schedule, a branch's all of it; a branch may pass over its rows more often")
    func rates() {
        var recipe = Recipe.builtIn(.lenet5)
        recipe.plan.blocks = 12
        recipe.plan.branches = Branches(count: 4, length: 2, epochs: 30, learningRate: 0.2)
        recipe.plan.learningRate = 0.1
        #expect((1...4).map { recipe.plan.rate(block: $0) } == [0.1, 0.0875, 0.075, 0.0625])
        for branch in 1...4 {
            let blocks = recipe.plan.lineage.blocks(ofBranch: branch)
            #expect(blocks.map { recipe.plan.rate(block: $0) } == [0.2, 0.1])
            #expect(blocks.map { recipe.plan.epochs(of: $0) } == [30, 30])
        }
        #expect(recipe.plan.epochs(of: 4) == 10 && recipe.isAllowed)
        recipe.plan.branches!.length = 4
        #expect(!recipe.isAllowed)
    }
}
