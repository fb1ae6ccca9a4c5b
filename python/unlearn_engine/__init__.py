"""Trainers in Python for ``unlearn``, the machine-unlearning engine, and a client of its projects.

- ``unlearn_engine.trainer``: what a trainer of any library is, and ``serve``, which lets the engine call it.
- ``unlearn_engine.torch``: the same for a PyTorch module, in one call.
- ``unlearn_engine.peft``: adapters on a frozen base model, in one call. These two modules alone import PyTorch.
- ``unlearn_engine.mlflow``: publishes models and certificates into a registry of MLflow.
- ``unlearn_engine.ray``: spreads jobs of the program over a Ray cluster.
- ``unlearn_engine.project``: runs the program on a project and gives its results as Python values.
"""

from .batches import Batch, batches, numbered_batches
from .project import Deletion, Evaluation, Project, Request, Training, UnlearnError
from .trainer import Place, RowName, Rows, RowsInfo, Scores, Tensor, Trainer, serve

__version__ = "0.2.0"

__all__ = [
    "Batch", "Deletion", "Evaluation", "Place", "Project", "Request", "RowName", "Rows", "RowsInfo", "Scores", "Tensor", "Trainer", "Training",
    "UnlearnError", "batches", "numbered_batches", "serve",
]
