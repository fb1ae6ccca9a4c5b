import Testing
import Training
import TrainingReference

@Suite("The trainer that can be followed by hand")
struct ContractingTrainerTests {
    @Test("It is one that replay can be tried with")
    func conforms() throws {
        let rows = BlockRows(features: [1, 2, 3, 4, 5, 6], labels: [0, 1, BlockRows.emptySlot], featureCount: 2)
        #expect(try TrainerConformance(rows: rows, classes: 2) { ContractingTrainer(parameters: 2) { _ in 0.5 } }.violations() == [])
    }
}
