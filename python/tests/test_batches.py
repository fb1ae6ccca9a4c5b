"""The order of steps, and what deletions leave of it."""

from __future__ import annotations

import numpy as np
import pytest
from unlearn_engine.batches import batches, numbered_batches, order_of_slots, steps_per_epoch

SLOTS, SIZE, EPOCHS, SEED = 103, 10, 4, 2**53 - 7


def slots_of_batches(slot: np.ndarray, slots: int = SLOTS, size: int = SIZE, seed: int = SEED) -> dict[tuple[int, int], list[int]]:
    """By pass and step, the slots of a batch's rows."""
    return {(batch.epoch, batch.step): slot[batch.rows].tolist() for batch in numbered_batches(slots, slot, size, EPOCHS, seed)}


def test_every_pass_visits_every_row_once() -> None:
    whole = slots_of_batches(np.arange(SLOTS))
    for epoch in range(EPOCHS):
        visited = [slot for (one, _), batch in whole.items() if one == epoch for slot in batch]
        assert sorted(visited) == list(range(SLOTS))
    assert len(whole) == EPOCHS * steps_per_epoch(SLOTS, SIZE)


@pytest.mark.parametrize("deleted", [[0], [102], [5, 6, 7], list(range(0, 103, 2)), list(range(1, 103))])
def test_rows_that_are_left_keep_their_batches_and_their_order_when_others_are_deleted(deleted: list[int]) -> None:
    whole = slots_of_batches(np.arange(SLOTS))
    left = slots_of_batches(np.setdiff1d(np.arange(SLOTS), deleted))
    expected = {place: [slot for slot in batch if slot not in deleted] for place, batch in whole.items()}
    assert left == {place: batch for place, batch in expected.items() if batch}


def test_a_batch_whose_rows_are_all_deleted_is_passed_over_and_leaves_the_numbers_of_the_others() -> None:
    whole = slots_of_batches(np.arange(SLOTS))
    gone = whole[(0, 3)]
    left = slots_of_batches(np.setdiff1d(np.arange(SLOTS), gone))
    assert (0, 3) not in left and left[(0, 4)] == whole[(0, 4)]


def test_no_rows_give_no_batches() -> None:
    assert list(batches(SLOTS, np.zeros(0, dtype=np.int64), SIZE, EPOCHS, SEED)) == []
    assert list(batches(0, np.zeros(0, dtype=np.int64), SIZE, EPOCHS, SEED)) == []


def test_passes_and_seeds_have_orders_of_their_own() -> None:
    orders = {tuple(order_of_slots(50, epoch, seed)) for epoch in range(5) for seed in (0, 1, 2**32, 2**53 - 1)}
    assert len(orders) == 20


def test_the_orders_are_uniform() -> None:
    # Each of 6 permutations 1000 times on average: four standard deviations are 115.
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(6000):
        order = tuple(order_of_slots(3, 0, seed).tolist())
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6 and all(abs(count - 1000) < 116 for count in counts.values())


def test_the_order_is_the_same_for_ever() -> None:
    assert order_of_slots(10, 0, 7).tolist() == [8, 4, 1, 6, 3, 2, 7, 5, 9, 0]


def test_batches_gives_the_rows_of_the_numbered_ones() -> None:
    slot = np.array([1, 4, 50, 99])
    plain, numbered = batches(SLOTS, slot, SIZE, EPOCHS, SEED), numbered_batches(SLOTS, slot, SIZE, EPOCHS, SEED)
    assert [batch.tolist() for batch in plain] == [batch.rows.tolist() for batch in numbered]
