"""Several processes of ``torchrun``, on one machine, that train one block together: each computes its share of every batch."""

from __future__ import annotations

import os
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed

from .channel import Request
from .trainer import Session, Trainer

# Between two requests the engine may do other work for days; a process that fails is noticed at once all the same.
_PATIENCE = timedelta(days=14)
# The requests that all processes carry out; scores and initial states need no help.
_SHARED = ("hello", "train")


class Group:
    """The processes. The first one alone speaks with the engine and writes results."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def announce(self, request: Request | None) -> None:
        """Tells the others what is done next; None: nothing more."""
        torch.distributed.broadcast_object_list([request], src=0)

    def wait(self, request: Request) -> None:
        """Waits until all processes have carried out a request that all carry out."""
        if request.do in _SHARED:
            torch.distributed.barrier()

    def follow(self, trainer: Trainer) -> None:
        """Trains what the first process announces. Whatever fails here ends this process, and ``torchrun`` then ends all of them."""
        session = Session(trainer, writes=False)
        while (request := self._next()) is not None:
            if request.do in _SHARED:
                session.perform(request, lambda _: None)
                self.wait(request)

    def _next(self) -> Request | None:
        box: list[Request | None] = [None]
        torch.distributed.broadcast_object_list(box, src=0)
        return box[0]

    def share(self, batch: npt.NDArray[np.int64], least: int) -> npt.NDArray[np.int64]:
        """This process's rows of a batch: none, or at least ``least``."""
        sharing = max(1, min(self.size, len(batch) // least))
        return batch[self.rank :: sharing] if self.rank < sharing else batch[:0]

    def add_up(self, parameters: list[torch.nn.Parameter]) -> None:
        """Puts the sum of all processes' gradients into each of them, added in the order of their ranks, so that the bits are the same.

        A parameter that no process has a gradient of keeps none, as if one process trained alone.
        """
        there = torch.tensor([float(parameter.grad is not None) for parameter in parameters])
        gradients = [(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad) for parameter in parameters]
        mine = torch.cat([there] + [gradient.detach().reshape(-1).to("cpu", torch.float32) for gradient in gradients])
        all_of_them = [torch.empty_like(mine) for _ in range(self.size)]
        torch.distributed.all_gather(all_of_them, mine)
        total = all_of_them[0]
        for other in all_of_them[1:]:
            total = total + other
        first = len(parameters)
        for parameter, known in zip(parameters, total[:first].tolist()):
            part = total[first : first + parameter.numel()]
            parameter.grad = part.reshape(parameter.shape).to(parameter) if known else None
            first += parameter.numel()


def join() -> Group | None:
    """The group that ``torchrun`` started this process in; None where it is alone."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return None
    torch.distributed.init_process_group("gloo", timeout=_PATIENCE)
    return Group(torch.distributed.get_rank(), size)
