"""Softmax regression in NumPy, trained block by block."""

import numpy as np

from unlearn_engine.trainer import Scores, Tensor, Trainer, batches, serve


class Logistic(Trainer):
    name = "softmax regression"

    def start(self, rows_info, worker):
        self.features, self.classes = int(np.prod(rows_info.shape)), rows_info.classes

    def describe(self):
        return [Tensor("weight", (self.features, self.classes)), Tensor("bias", (self.classes,))]

    def initialise(self, seed):
        draw = np.random.default_rng(seed).standard_normal((self.features, self.classes))
        return {"weight": (0.01 * draw).astype(np.float32), "bias": np.zeros(self.classes, np.float32)}

    def train_block(self, state, rows, place, progress):
        weight, bias = state["weight"].copy(), state["bias"].copy()
        x, targets = rows.flat, np.eye(self.classes, dtype=np.float32)[rows.y]
        for batch in batches(rows.slots, rows.slot, 32, place.epochs, place.seed):
            scores = x[batch] @ weight + bias
            exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
            # The gradient of the mean loss by the scores, (rows of the batch, classes).
            gradient = (exponentials / exponentials.sum(axis=1, keepdims=True) - targets[batch]) / len(batch)
            weight -= place.rate * (x[batch].T @ gradient + 1e-3 * weight)
            bias -= place.rate * gradient.sum(axis=0)
        return {"weight": weight, "bias": bias}

    def score(self, state, rows):
        return Scores(logits=rows.flat @ state["weight"] + state["bias"])


if __name__ == "__main__":
    serve(Logistic())
