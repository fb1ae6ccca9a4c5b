internal import CVectorKernels

/// Random changes of images, drawn anew for every epoch: by up to `shift` pixels in either direction, and mirrored left
/// to right half of the time.
public struct Augmentation: Codable, Sendable, Equatable {
    public var shift: Int
    public var flip: Bool

    public init(shift: Int = 0, flip: Bool = false) {
        self.shift = shift
        self.flip = flip
    }

    var isNone: Bool { shift == 0 && !flip }

    /// What a slot's row looks like in one epoch of a block: a function of these alone, so that replay repeats it and a
    /// deleted row changes no other's.
    func apply(_ image: Input, _ changed: Output, shape: RowShape, seed: UInt64, block: Int, epoch: Int, slot: Int) {
        var random = RandomStream(seed: seed, purpose: .augmentation, block: block, epoch: epoch, slot: slot)
        let down = random.below(2 * shift + 1) - shift, right = random.below(2 * shift + 1) - shift
        let isMirrored = flip && random.below(2) == 1
        vk_shift_image(
            image, changed, Int32(shape.channels), Int32(shape.height), Int32(shape.width), Int32(down), Int32(right), isMirrored ? 1 : 0)
    }
}
