"""The order of a block's steps, drawn from its slots and its seed, so that deleted rows leave the others' batches as they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """The rows of one step."""

    #: The pass over the block, from 0.
    epoch: int
    #: The batch's place in its pass, from 0, counted with those that are passed over: deletions leave it as it was.
    step: int
    #: Indices into the rows that are left, (rows of the batch), never none.
    rows: Indices


def steps_per_epoch(slots: int, batch_size: int) -> int:
    """Batches of one pass, those without a row included."""
    return -(-slots // batch_size)


def order_of_slots(slots: int, epoch: int, seed: int) -> Indices:
    """A permutation of the slots, (slots), that depends on nothing but the arguments.

    Slots are ranked by the words of a counter-based generator (Philox, keyed by seed and epoch). Its words are the same in every version
    of NumPy, which promises no such thing of ``Generator.permutation``.
    """
    words = np.random.Philox(key=np.array([seed, epoch], dtype=np.uint64)).random_raw(slots)
    return np.argsort(words, kind="stable").astype(np.int64)


def numbered_batches(slots: int, slot: npt.NDArray[np.integer], batch_size: int, epochs: int, seed: int) -> Iterator[Batch]:
    """The batches of all passes over a block, in order, with their numbers.

    The order of *all* slots is drawn and cut into batches; empty slots are passed over, and so are batches without a row. A row that is
    deleted therefore leaves its batch smaller, and every other batch as it was.

    Args:
        slots: places in the block.
        slot: (rows): the place of each row that is left, from 0 to ``slots`` − 1.
        batch_size: slots of a batch; the last one of a pass may have fewer.
        epochs: passes.
        seed: the block's seed, from 0 to 2⁵³ − 1.
    """
    if slots < 0 or batch_size < 1 or epochs < 0:
        raise ValueError(f"{slots} slots in batches of {batch_size}, {epochs} times: slots and passes are not negative, batches not empty")
    row_of_slot = np.full(slots, -1, dtype=np.int64)
    row_of_slot[slot] = np.arange(len(slot))
    for epoch in range(epochs):
        rows = row_of_slot[order_of_slots(slots, epoch, seed)]
        for step, first in enumerate(range(0, slots, batch_size)):
            batch = rows[first : first + batch_size]
            live = batch[batch >= 0]
            if live.size:
                yield Batch(epoch, step, live)


def batches(slots: int, slot: npt.NDArray[np.integer], batch_size: int, epochs: int, seed: int) -> Iterator[Indices]:
    """The same batches without their numbers: indices into the rows that are left, (rows of the batch)."""
    return (batch.rows for batch in numbered_batches(slots, slot, batch_size, epochs, seed))
