"""A small convolutional network with batch normalisation, in PyTorch, trained block by block."""

import torch
from torch import nn

from unlearn_engine.torch import serve


class SmallNet(nn.Module):
    def __init__(self):
        super().__init__()
        # No bias before a normalisation: it would take it away again, and training would leave it as it was.
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1, stride=2, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        )
        self.classify = nn.Linear(64, 10)

    def forward(self, x):
        """(n, 1, 28, 28) → (n, 10)"""
        return self.classify(self.features(x).mean(dim=(2, 3)))


def shifted(x, generator):
    """Moves a batch of images, (n, channels, height, width), by up to a pixel."""
    down, right = torch.randint(-1, 2, (2,), generator=generator, device=x.device).tolist()
    return torch.roll(x, (down, right), (2, 3))


def optimiser(parameters, rate):
    return torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=5e-4)


if __name__ == "__main__":
    serve(SmallNet, optimiser, batch_size=64, transform=shifted)
