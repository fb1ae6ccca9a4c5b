"""LeNet-5 in PyTorch, trained block by block."""

import torch
from torch import nn

from unlearn_engine.torch import serve


def lenet5(rows_info):
    def pool():
        return [nn.GELU(approximate="tanh"), nn.AvgPool2d(2)]

    return nn.Sequential(
        # (n, 1, 28, 28) → (n, 6, 14, 14) → (n, 16, 5, 5) → (n, classes)
        nn.Conv2d(1, 6, 5, padding=2), *pool(), nn.Conv2d(6, 16, 5), *pool(), nn.Flatten(),
        nn.Linear(400, 120), nn.GELU(approximate="tanh"), nn.Linear(120, 84), nn.GELU(approximate="tanh"), nn.Linear(84, rows_info.classes),
    )


def optimiser(parameters, rate):
    return torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=5e-4)


if __name__ == "__main__":
    serve(lenet5, optimiser, nn.CrossEntropyLoss(label_smoothing=0.1), batch_size=100, name="LeNet-5")
