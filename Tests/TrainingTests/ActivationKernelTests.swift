import CVectorKernels
import Foundation
import Testing
import TrainingReference

@testable import Training

@Suite("Accuracy of the activation kernels")
struct ActivationKernelTests {
    private func apply(_ kernel: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void, to x: [Float]) -> [Float] {
        var y = [Float](repeating: .nan, count: x.count)
        kernel(x, &y, x.count)
        return y
    }

    private func slopes(
        _ kernel: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void, at x: [Float]
    ) -> [Float] {
        var dx = [Float](repeating: .nan, count: x.count)
        kernel(x, [Float](repeating: 1, count: x.count), &dx, x.count)
        return dx
    }

    private let fine: [Float] = (-200_000...200_000).map { Float($0) * 1e-4 }

    @Test("The rational tanh is within 5e-7 of tanh on −20…20")
    func tanhIsNear() {
        expectClose(apply(vk_tanh_forward, to: fine), fine.map { tanh(Double($0)) }, floor: 5e-7, "tanh")
    }

    @Test("The rational tanh is odd to the bit, never leaves −1…1 and is flat beyond ±9")
    func tanhIsClamped() throws {
        let y = apply(vk_tanh_forward, to: fine), mirrored = apply(vk_tanh_forward, to: fine.map { -$0 })
        #expect(bits(y.map { -$0 }) == bits(mirrored) || zip(y, mirrored).allSatisfy { -$0 == $1 })
        #expect(y.allSatisfy { abs($0) <= 1 })
        let edge = try #require(apply(vk_tanh_forward, to: [9]).first)
        for x in [9.5, 20, 1e4, 1e30, .greatestFiniteMagnitude, .infinity] as [Float] {
            #expect(apply(vk_tanh_forward, to: [x, -x]) == [edge, -edge])
        }
    }

    @Test("The rational tanh falls nowhere by more than its error bound")
    func tanhRises() {
        let y = apply(vk_tanh_forward, to: fine)
        #expect(zip(y, y.dropFirst()).allSatisfy { $1 >= $0 - 5e-7 })
        // Where tanh is steep, rounding never outweighs the rise.
        let steep = apply(vk_tanh_forward, to: (-300...300).map { Float($0) * 0.01 })
        #expect(zip(steep, steep.dropFirst()).allSatisfy { $1 > $0 })
    }

    @Test("NaN stays NaN in tanh and GELU, so that divergence is seen")
    func notANumber() {
        #expect(apply(vk_tanh_forward, to: [.nan]).allSatisfy { $0.isNaN })
        #expect(apply(vk_gelu_forward, to: [.nan]).allSatisfy { $0.isNaN })
    }

    @Test("GELU is within 3e-6 of its tanh form on −20…20")
    func geluIsNear() {
        expectClose(
            apply(vk_gelu_forward, to: fine), fine.map { ReferenceLayer.activate(Double($0), .gelu) }, relative: 1e-6, floor: 3e-6, "gelu")
    }

    @Test("The derivative of GELU is within 1e-5 of that of its tanh form on −5…5")
    func geluSlope() {
        let x = fine.filter { abs($0) <= 5 }
        expectClose(slopes(vk_gelu_backward, at: x), x.map { geluSlope(Double($0)) }, floor: 1e-5, "gelu'")
    }

    @Test("Far from zero GELU is 0 on the left and x on the right, with derivatives 0 and 1", arguments: [6, 8, 10, 20, 100, 1000] as [Float])
    func geluFarOut(_ x: Float) {
        expectClose(apply(vk_gelu_forward, to: [-x, x]), [0, Double(x)], floor: 1e-5, "gelu at ±\(x)")
        expectClose(slopes(vk_gelu_backward, at: [-x, x]), [0, 1], floor: 1e-4, "gelu' at ±\(x)")
    }

    private func geluSlope(_ x: Double) -> Double {
        let step = 1e-5
        return (ReferenceLayer.activate(x + step, .gelu) - ReferenceLayer.activate(x - step, .gelu)) / (2 * step)
    }
}
