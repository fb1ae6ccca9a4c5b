"""PyTorch trainers, in processes of their own beside a fake engine; skipped where PyTorch is not installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

torch = pytest.importorskip("torch")

import safetensors.torch
from fake_engine import EXAMPLES, FakeEngine, TrainerDied, python
from unlearn_engine.torch_state import entries, load, snapshot

nn = torch.nn
#: Few threads: tests run beside each other, and the number is part of the bits.
HEAD = (
    "import torch\nfrom torch import nn\nfrom unlearn_engine.torch import serve\n"
    "SGD = lambda parameters, rate: torch.optim.SGD(parameters, rate, momentum=0.9)\n"
)
MLP = "def model(): return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))\n"
NORMALISED = (
    "def model():\n"
    "    return nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))\n"
)


def write(tmp_path: Path, text: str) -> list[str | Path]:
    script = tmp_path / "trainer.py"
    script.write_text(HEAD + text)
    return python(script)


def rows(engine: FakeEngine, count: int = 50, left: np.ndarray | None = None) -> str:
    """Rows of three classes around three corners; those in other slots than ``left`` are deleted."""
    rng = np.random.default_rng(4)
    y = rng.integers(0, 3, count)
    x = 2 * np.eye(3, 4)[y] + 0.3 * rng.standard_normal((count, 4))
    left = np.arange(count) if left is None else left
    return engine.rows(x[left], y[left], left)


def trained(command: list[str | Path], **fields: Any) -> bytes:
    """The file of the state behind a block of 50 rows, trained in a process of its own."""
    with FakeEngine(command) as engine:
        engine.hello([4], 3)
        return Path(engine.train(engine.initialise(7), rows(engine), 50, **fields)).read_bytes()


@pytest.fixture(scope="module")
def normalised(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeEngine]:
    command = write(tmp_path_factory.mktemp("normalised"), NORMALISED + "serve(model, SGD, batch_size=8, threads=1)\n")
    with FakeEngine(command) as engine:
        engine.hello([4], 3)
        yield engine


# The state.


def test_running_statistics_are_buffers_of_their_own_types_and_weights_parameters(normalised: FakeEngine) -> None:
    tensors = {tensor["name"]: tensor for tensor in normalised.ok("describe")["tensors"]}
    kinds = {name: (tensor["dtype"], tensor["role"], tensor["shape"]) for name, tensor in tensors.items()}
    assert kinds == {
        "0.weight": ("F32", "parameter", [8, 4]), "1.weight": ("F32", "parameter", [8]), "1.bias": ("F32", "parameter", [8]),
        "1.running_mean": ("F32", "buffer", [8]), "1.running_var": ("F32", "buffer", [8]), "1.num_batches_tracked": ("I64", "buffer", []),
        "4.weight": ("F32", "parameter", [3, 8]), "4.bias": ("F32", "parameter", [3]),
    }


def test_a_state_loads_strictly_into_the_users_own_module(normalised: FakeEngine) -> None:
    space: dict[str, Any] = {"nn": nn}
    exec(NORMALISED, space)
    state = safetensors.torch.load_file(normalised.train(normalised.initialise(1), rows(normalised), 50))
    module = space["model"]()
    load(module, state)
    assert module[1].num_batches_tracked.item() == 2 * 7
    assert all(torch.equal(tensor, state[name]) for name, tensor in module.state_dict().items())


def test_half_precision_parameters_keep_their_bits_and_are_trained(tmp_path: Path) -> None:
    half = "serve(lambda: model().bfloat16(), SGD, threads=1, dataset=lambda x: torch.from_numpy(x).bfloat16())\n"
    with FakeEngine(write(tmp_path, MLP + half)) as engine:
        engine.hello([4], 3)
        assert {tensor["dtype"] for tensor in engine.ok("describe")["tensors"]} == {"BF16"}
        state = engine.initialise(3)
        before = safetensors.torch.load_file(state)
        torch.manual_seed(3)
        expected = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).bfloat16().state_dict()
        assert all(torch.equal(before[name], tensor) for name, tensor in expected.items())
        # No passes change nothing, whatever way the numbers went.
        same = safetensors.torch.load_file(engine.train(state, rows(engine), 50, epochs=0))
        assert all(torch.equal(before[name], same[name]) and same[name].dtype == torch.bfloat16 for name in before)
        after = engine.train(state, rows(engine), 50, rate=0.1)
        assert not torch.equal(safetensors.torch.load_file(after)["0.weight"], before["0.weight"])
        assert engine.score(after, rows(engine))["logits"].dtype == np.float32


def test_tied_weights_are_carried_once_and_loaded_under_every_name(tmp_path: Path) -> None:
    tied = (
        "class Tied(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.inside, self.outside, self.last = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)\n"
        "        self.outside.weight = self.inside.weight\n"
        "    def forward(self, x): return self.last(self.outside(torch.relu(self.inside(x))))\n"
    )
    with FakeEngine(write(tmp_path, tied + "serve(Tied, SGD, threads=1)\n")) as engine:
        assert engine.hello([4], 3)["name"] == "Tied"
        names = [tensor["name"] for tensor in engine.ok("describe")["tensors"]]
        assert names == ["inside.weight", "inside.bias", "outside.bias", "last.weight", "last.bias"]
        state = safetensors.torch.load_file(engine.train(engine.initialise(), rows(engine), 50))
    space: dict[str, Any] = {"nn": nn, "torch": torch}
    exec(tied, space)
    module = space["Tied"]()
    assert entries(module)[1] == {"outside.weight": "inside.weight"}
    load(module, state)
    assert module.outside.weight is module.inside.weight and torch.equal(module.outside.weight.data, state["inside.weight"])
    with pytest.raises(RuntimeError, match="last.bias"):
        load(module, {name: tensor for name, tensor in state.items() if name != "last.bias"})


def test_frozen_parameters_are_buffers_and_stay_as_they_are(tmp_path: Path) -> None:
    frozen = "def frozen():\n    module = model()\n    module[0].requires_grad_(False)\n    return module\nserve(frozen, SGD, threads=1)\n"
    with FakeEngine(write(tmp_path, MLP + frozen)) as engine:
        engine.hello([4], 3)
        roles = {tensor["name"]: tensor["role"] for tensor in engine.ok("describe")["tensors"]}
        assert roles == {"0.weight": "buffer", "0.bias": "buffer", "2.weight": "parameter", "2.bias": "parameter"}
        state = engine.initialise()
        before, after = (safetensors.numpy.load_file(path) for path in (state, engine.train(state, rows(engine), 50)))
        assert np.array_equal(before["0.weight"], after["0.weight"]) and not np.array_equal(before["2.weight"], after["2.weight"])


def test_a_module_that_is_given_starts_from_its_own_weights_whatever_the_seed_and_whatever_was_trained(tmp_path: Path) -> None:
    with FakeEngine(write(tmp_path, MLP + "torch.manual_seed(5)\nserve(model(), SGD, threads=1)\n")) as engine:
        engine.hello([4], 3)
        first = engine.initialise(1)
        engine.train(first, rows(engine), 50)
        assert Path(first).read_bytes() == Path(engine.initialise(2)).read_bytes()


def test_buffers_outside_of_the_state_are_put_back_before_every_block(tmp_path: Path) -> None:
    counting = (
        "class Counting(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.last = nn.Linear(4, 3)\n"
        "        self.register_buffer('calls', torch.ones(()), persistent=False)\n"
        "    def forward(self, x):\n        self.calls += 1\n        return self.last(x) * self.calls\nserve(Counting, SGD, threads=1)\n"
    )
    with FakeEngine(write(tmp_path, counting)) as engine:
        engine.hello([4], 3)
        state, data = engine.initialise(), rows(engine)
        assert Path(engine.train(state, data, 50)).read_bytes() == Path(engine.train(state, data, 50)).read_bytes()


def test_bits_are_said_of_the_tensors_that_a_pattern_names(tmp_path: Path) -> None:
    with FakeEngine(write(tmp_path, NORMALISED + "serve(model, SGD, batch_size=8, threads=1, bits={'*.running_*': 12})\n")) as engine:
        engine.hello([4], 3)
        bits = {tensor["name"]: tensor.get("bits") for tensor in engine.ok("describe")["tensors"]}
        assert bits["1.running_mean"] == bits["1.running_var"] == 12 and bits["1.weight"] is None


def test_what_is_no_tensor_in_a_modules_state_is_refused_by_name() -> None:
    class Odd(nn.Linear):
        def get_extra_state(self) -> Any:
            return {"steps": 3}

        def set_extra_state(self, state: Any) -> None:
            pass

    with pytest.raises(TypeError, match="_extra_state"):
        snapshot(Odd(2, 2))


# The bits.


def test_two_processes_give_the_same_bits(tmp_path: Path) -> None:
    command = write(tmp_path, NORMALISED + "serve(model, SGD, batch_size=8, threads=2)\n")
    assert trained(command) == trained(command)


def test_the_same_process_gives_the_same_bits_whatever_it_trained_and_scored_between(normalised: FakeEngine) -> None:
    state, data = normalised.initialise(7), rows(normalised)
    first = normalised.train(state, data, 50)
    normalised.train(first, data, 50, seed=99, rate=0.5)
    normalised.score(first, data)
    normalised.initialise(8)
    assert Path(normalised.train(state, data, 50)).read_bytes() == Path(first).read_bytes()


def test_deleting_a_row_changes_the_result_and_an_empty_block_does_not(normalised: FakeEngine) -> None:
    state = normalised.initialise(7)
    whole = Path(normalised.train(state, rows(normalised), 50)).read_bytes()
    assert Path(normalised.train(state, rows(normalised, left=np.arange(1, 50)), 50)).read_bytes() != whole
    none = rows(normalised, left=np.arange(0))
    assert Path(normalised.train(state, none, 50)).read_bytes() == Path(state).read_bytes()
    assert normalised.score(state, none)["logits"].shape == (0, 3)


def test_a_batch_of_a_single_row_is_passed_over_where_batches_are_normalised(normalised: FakeEngine) -> None:
    state = normalised.initialise(7)
    alone = rows(normalised, left=np.array([20]))
    assert Path(normalised.train(state, alone, 50)).read_bytes() == Path(state).read_bytes()
    # 49 slots in batches of eight: the last one of each pass has a single row.
    after = safetensors.numpy.load_file(normalised.train(state, rows(normalised, left=np.arange(49)), 49))
    assert after["1.num_batches_tracked"] == 2 * 6


def test_a_batch_of_a_single_row_is_trained_on_where_they_are_not(tmp_path: Path) -> None:
    with FakeEngine(write(tmp_path, MLP + "serve(model, SGD, batch_size=8, threads=1)\n")) as engine:
        engine.hello([4], 3)
        state = engine.initialise()
        assert Path(engine.train(state, rows(engine, left=np.array([20])), 50)).read_bytes() != Path(state).read_bytes()


def test_accumulated_gradients_are_those_of_the_whole_batch_to_rounding(tmp_path: Path) -> None:
    states = [
        safetensors.numpy.load(trained(write(tmp_path, MLP + f"serve(model, SGD, batch_size=16, threads=1, accumulate={parts})\n")))
        for parts in (1, 3)
    ]
    for name in states[0]:
        assert np.allclose(states[0][name], states[1][name], atol=1e-5)
    assert any(not np.array_equal(states[0][name], states[1][name]) for name in states[0])


def test_augmentation_draws_from_its_generator_alone_and_so_repeats(tmp_path: Path) -> None:
    noisy = MLP + (
        "def noisy(x, generator): return x + 0.5 * torch.randn(x.shape, generator=generator, device=x.device)\n"
        "serve(model, SGD, threads=1, batch_size=8, transform=noisy)\n"
    )
    plain = trained(write(tmp_path, MLP + "serve(model, SGD, threads=1, batch_size=8)\n"))
    command = write(tmp_path, noisy)
    assert trained(command) == trained(command) != plain


def test_mixed_precision_trains_and_scores_in_f32(tmp_path: Path) -> None:
    with FakeEngine(write(tmp_path, MLP + "serve(model, SGD, threads=1, autocast=torch.bfloat16)\n")) as engine:
        assert engine.hello([4], 3)["facts"]["numbers"] == "torch.float32, autocast torch.bfloat16"
        state = engine.train(engine.initialise(), rows(engine), 50)
        assert safetensors.numpy.load_file(state)["0.weight"].dtype == np.float32
        assert engine.score(state, rows(engine))["logits"].dtype == np.float32


# What else a program may be.


def test_rows_may_become_what_the_model_takes_and_logits_a_field_of_what_it_gives(tmp_path: Path) -> None:
    text = (
        "from types import SimpleNamespace\n"
        "class Words(nn.Module):\n    def __init__(self, info):\n"
        "        super().__init__()\n        self.table = nn.EmbeddingBag(9, info.classes)\n"
        "    def forward(self, ids, weights=None): return SimpleNamespace(logits=self.table(ids))\n"
        "serve(Words, SGD, threads=1, dataset=lambda x: {'ids': torch.from_numpy(x).long()})\n"
    )
    with FakeEngine(write(tmp_path, text)) as engine:
        engine.hello([5], 2)
        data = engine.rows(np.random.default_rng(0).integers(0, 9, (30, 5)), np.arange(30) % 2)
        assert engine.score(engine.train(engine.initialise(), data, 30), data)["logits"].shape == (30, 2)


def test_facts_name_versions_threads_and_the_sources_of_what_was_given(normalised: FakeEngine, tmp_path: Path) -> None:
    facts = normalised.hello([4], 3)["facts"]
    assert facts["torch"] == torch.__version__ and facts["threads"] == "1"
    assert {"kernels", "processor", "batch size", "accumulate", "model source", "optimiser source", "loss source"} <= facts.keys()
    other = NORMALISED.replace("0.2", "0.3") + "serve(model, SGD, batch_size=8, threads=1)\n"
    with FakeEngine(write(tmp_path, other)) as engine:
        changed = {name for name, value in engine.hello([4], 3)["facts"].items() if facts[name] != value}
        assert changed == {"model source"}


def test_an_operation_that_has_no_fixed_order_is_refused(tmp_path: Path) -> None:
    asking = (
        "class Asking(nn.Linear):\n    def forward(self, x):\n"
        "        raise ValueError(torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark)\n"
        "serve(lambda: Asking(4, 3), SGD, threads=1)\n"
    )
    with FakeEngine(write(tmp_path, asking)) as engine:
        engine.hello([4], 3)
        fields = engine.train_fields(engine.initialise(), rows(engine), 50)
        assert engine.ask("train", **fields)["error"] == "ValueError: (True, False)"


def test_processes_of_torchrun_train_together_to_the_same_bits_and_near_to_one_alone(tmp_path: Path) -> None:
    alone = write(tmp_path, MLP + "serve(model, SGD, batch_size=16, threads=1)\n")
    together: list[str | Path] = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", alone[1]]
    first = trained(together)
    assert trained(together) == first
    one, two = safetensors.numpy.load(trained(alone)), safetensors.numpy.load(first)
    assert all(np.allclose(one[name], two[name], atol=1e-5) for name in one)


def test_processes_that_train_together_end_quietly_with_the_engine(tmp_path: Path) -> None:
    command = write(tmp_path, NORMALISED + "serve(model, SGD, batch_size=8, threads=1)\n")
    with FakeEngine([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", command[1]]) as engine:
        engine.hello([4], 3)
        state = engine.initialise()
        # Nothing to train, and so nothing that the processes would wait for each other in: the file may go with the answer.
        alone = engine.train(state, rows(engine, left=np.array([20])), 50)
        assert Path(alone).read_bytes() == Path(state).read_bytes()
        os.unlink(state)
        assert engine.score(engine.train(alone, rows(engine), 50), rows(engine))["logits"].shape == (50, 3)
        engine.close_requests()
        assert engine.process.wait(60) == 0
        assert not engine.folder.exists()


def test_an_error_ends_processes_that_train_together_behind_its_answer(tmp_path: Path) -> None:
    text = MLP + "def loss(logits, y): raise ValueError('no loss')\nserve(model, SGD, loss, threads=1)\n"
    command = write(tmp_path, text)
    with FakeEngine([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", command[1]]) as engine:
        assert engine.hello([4], 3)["facts"]["processes"] == "2"
        fields = engine.train_fields(engine.initialise(), rows(engine), 50)
        try:
            assert engine.ask("train", **fields)["error"] == "ValueError: no loss"
        except TrainerDied:
            # The other process may have failed first, and torchrun have ended this one: the engine sees that, too.
            assert "no loss" in engine.output()
        assert engine.process.wait(60) != 0


# The examples.


@pytest.mark.parametrize("example", ["torch-lenet", "torch-batchnorm"])
def test_an_example_trains_images(example: str) -> None:
    rng = np.random.default_rng(0)
    with FakeEngine(python(EXAMPLES / example / "train_me.py"), {"OMP_NUM_THREADS": "1"}) as engine:
        engine.hello([1, 28, 28], 10)
        data = engine.rows(rng.standard_normal((130, 1, 28, 28)), rng.integers(0, 10, 130))
        state = engine.initialise()
        after = engine.train(state, data, 130, epochs=1)
        before, trained_state = safetensors.numpy.load_file(state), safetensors.numpy.load_file(after)
        described = engine.ok("describe")["tensors"]
        assert all(not np.array_equal(before[tensor["name"]], trained_state[tensor["name"]]) for tensor in described)
        assert engine.score(after, data)["logits"].shape == (130, 10)
        assert os.path.exists(after)
