"""Models without classes, and states that are a part of the module; skipped where PyTorch is not installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

torch = pytest.importorskip("torch")

from fake_engine import FakeEngine, TrainerDied, python
from unlearn_engine.torch import Options
from unlearn_engine.torch_state import digest, load, snapshot, state_entries

nn = torch.nn
HEAD = (
    "import torch\nfrom torch import nn\nfrom unlearn_engine.torch import serve\n"
    "SGD = lambda parameters, rate: torch.optim.SGD(parameters, rate)\n"
)
#: A density of rows, (n, 4) → (n, 4): the standardised distance from a mean, whose squares are minus the log-likelihood but for a constant.
DENSITY = (
    "class Density(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.mean = nn.Parameter(torch.zeros(4))\n"
    "    def forward(self, x): return x - self.mean\n"
    "def row_loss(output, inputs, y):\n    assert output.shape == inputs.shape and y.dtype == torch.int64\n"
    "    return (output ** 2).sum(1) / 2\n"
)
FROZEN = (
    "def model():\n    state = torch.random.get_rng_state()\n    torch.manual_seed({seed})\n    base = nn.Linear(4, 8)\n"
    "    torch.random.set_rng_state(state)\n    base.requires_grad_(False)\n"
    "    return nn.Sequential(base, nn.BatchNorm1d(8, affine=False), nn.ReLU(), nn.Linear(8, 3))\n"
    "trained = lambda name, tensor: tensor.requires_grad\n"
)


def write(tmp_path: Path, text: str) -> list[str | Path]:
    script = tmp_path / "trainer.py"
    script.write_text(HEAD + text)
    return python(script)


def numbers(count: int = 30) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.standard_normal((count, 4)).astype(np.float32), rng.integers(0, 2, count)


# Losses of rows.


def test_a_row_loss_is_minimised_in_the_mean_over_a_batch_and_is_what_is_scored(tmp_path: Path) -> None:
    x, y = numbers()
    with FakeEngine(write(tmp_path, DENSITY + "serve(Density, SGD, row_loss=row_loss, batch_size=30, score_batch=7, threads=1)\n")) as engine:
        engine.hello([4], 2)
        data, state = engine.rows(x, y), engine.initialise()
        scores = engine.score(state, data)
        assert scores.keys() == {"loss"} and scores["loss"].dtype == np.float32
        assert np.allclose(scores["loss"], (x**2).sum(1) / 2, rtol=1e-6)
        # One step of all rows moves the mean by the rate times the mean of the rows' gradients.
        after = safetensors.numpy.load_file(engine.train(state, data, 30, rate=0.5, epochs=1))["mean"]
        assert np.allclose(after, 0.5 * x.mean(0), atol=1e-6)
        assert engine.score(state, engine.rows(x[:0], y[:0]))["loss"].shape == (0,)


def test_accumulated_row_losses_weigh_every_row_the_same(tmp_path: Path) -> None:
    x, y = numbers(29)
    ends = []
    for parts in (1, 4):
        text = DENSITY + f"serve(Density, SGD, row_loss=row_loss, batch_size=29, accumulate={parts}, threads=1)\n"
        with FakeEngine(write(tmp_path, text)) as engine:
            engine.hello([4], 2)
            ends.append(safetensors.numpy.load_file(engine.train(engine.initialise(), engine.rows(x, y), 29))["mean"])
    assert np.allclose(*ends, atol=1e-6)


def test_a_prediction_goes_beside_a_row_loss(tmp_path: Path) -> None:
    x, y = numbers()
    text = DENSITY + "serve(Density, SGD, row_loss=row_loss, threads=1, prediction=lambda output, inputs: (inputs[:, 0] > 0).long())\n"
    with FakeEngine(write(tmp_path, text)) as engine:
        engine.hello([4], 2)
        scores = engine.score(engine.initialise(), engine.rows(x, y))
        assert np.array_equal(scores["prediction"], x[:, 0] > 0) and scores["loss"].shape == (30,)
    with pytest.raises(ValueError, match="goes with a row_loss"):
        Options(prediction=lambda output, inputs: output)


def test_a_row_loss_that_gives_no_number_for_each_row_is_refused(tmp_path: Path) -> None:
    mean = DENSITY + "serve(Density, SGD, row_loss=lambda *parts: row_loss(*parts).mean(), threads=1)\n"
    with FakeEngine(write(tmp_path, mean)) as engine:
        engine.hello([4], 2)
        fields = engine.train_fields(engine.initialise(), engine.rows(*numbers()), 30)
        message = "ValueError: row_loss gave the shape () for 30 rows, which is to be (30,)"
        assert engine.ask("train", **fields)["error"] == message
        state = engine.initialise()
        assert engine.ask("score", state=state, rows=engine.rows(*numbers()), result=engine.new_path())["error"] == message


def test_loss_and_row_loss_exclude_each_other(tmp_path: Path) -> None:
    both = DENSITY + "serve(Density, SGD, nn.MSELoss(), row_loss=row_loss)\n"
    with FakeEngine(write(tmp_path, both)) as engine, pytest.raises(TrainerDied, match="by loss or by row_loss, not by both"):
        engine.hello([4], 2)


def test_the_source_of_a_row_loss_is_a_fact(tmp_path: Path) -> None:
    digests = []
    for text in (DENSITY, DENSITY.replace("/ 2", "/ 3")):
        with FakeEngine(write(tmp_path, text + "serve(Density, SGD, row_loss=row_loss, threads=1)\n")) as engine:
            digests.append(engine.hello([4], 2)["facts"]["loss source"])
    assert digests[0] != digests[1]


# A part of the module as the state.


def serving(seed: str, options: str = "state=trained, batch_size=8, threads=1") -> str:
    return FROZEN.format(seed=seed) + f"serve(model, SGD, {options})\n"


def test_what_is_left_out_of_the_state_is_not_carried_and_named_by_a_digest(tmp_path: Path) -> None:
    facts = []
    for seed in ("1", "1", "2"):
        with FakeEngine(write(tmp_path, serving(seed))) as engine:
            facts.append(engine.hello([4], 3)["facts"]["tensors outside of the state"])
            assert [tensor["name"] for tensor in engine.ok("describe")["tensors"]] == ["3.weight", "3.bias"]
            state = engine.initialise(5)
            assert safetensors.numpy.load_file(state).keys() == {"3.weight", "3.bias"}
            # The state is drawn from the seed as ever, and what is left out is not.
            assert Path(engine.initialise(6)).read_bytes() != Path(state).read_bytes()
    assert facts[0] == facts[1] != facts[2] and len(facts[0]) == 64


def test_buffers_outside_of_the_state_are_put_back_before_every_block_and_score(tmp_path: Path) -> None:
    x, y = numbers()
    with FakeEngine(write(tmp_path, serving("1"))) as engine:
        engine.hello([4], 3)
        state, data = engine.initialise(), engine.rows(x, y)
        scores = engine.score(state, data)["logits"]
        first = engine.train(state, data, 30)
        assert Path(engine.train(state, data, 30)).read_bytes() == Path(first).read_bytes() != Path(state).read_bytes()
        assert np.array_equal(engine.score(state, data)["logits"], scores)


def test_what_is_trained_must_be_part_of_the_state(tmp_path: Path) -> None:
    text = serving("1", "state=lambda name, tensor: name == '3.weight'")
    with FakeEngine(write(tmp_path, text)) as engine, pytest.raises(AssertionError, match="'3.bias' is trained, and so must be part"):
        engine.hello([4], 3)


def test_a_base_that_is_drawn_anew_is_refused(tmp_path: Path) -> None:
    with FakeEngine(write(tmp_path, serving("torch.seed()"))) as engine:
        engine.hello([4], 3)
        answer = engine.ask("initialise", seed=1, result=engine.new_path())
        assert answer["error"].startswith("ValueError: tensors outside of the state differ each time that the model is made")


def test_a_part_of_a_module_loads_strictly_and_leaves_the_rest() -> None:
    def last(name: str, tensor: object) -> bool:
        return name.startswith("1.")

    module, other = (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2)) for _ in range(2))
    state = snapshot(module, last)
    before = other[0].weight.detach().clone()
    load(other, state, last)
    assert torch.equal(other[1].weight, module[1].weight) and torch.equal(other[0].weight, before)
    with pytest.raises(RuntimeError, match="'1.bias' is missing in the state"):
        load(other, {"1.weight": state["1.weight"]}, last)
    with pytest.raises(RuntimeError, match="'0.weight' is no part of the state"):
        load(other, {**state, "0.weight": before}, last)
    with pytest.raises(ValueError, match="nothing to be trained"):
        state_entries(module, lambda name, tensor: False)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int64, torch.bool])
def test_a_digest_depends_on_names_types_shapes_and_bytes_and_on_no_order(dtype: torch.dtype) -> None:
    a, b = torch.ones(2, 3).to(dtype), torch.zeros(3).to(dtype)
    first = digest({"a": a, "b": b})
    assert digest({"b": b, "a": a}) == first
    others = [{"a": a, "c": b}, {"a": a.reshape(3, 2), "b": b}, {"a": torch.zeros_like(a), "b": b}, {"a": a.to(torch.uint8), "b": b}, {"a": a}]
    assert len({first, *(digest(other) for other in others)}) == 6


# Rows that the program holds.


def test_a_program_that_holds_its_rows_finds_and_erases_them_by_name(tmp_path: Path) -> None:
    x, y = numbers(8)
    for index, row in enumerate(x):
        np.save(tmp_path / f"{index}.npy", row)
    text = (
        "import os\nimport numpy as np\n"
        f"os.chdir({str(tmp_path)!r})\n"
        "find = lambda names: torch.from_numpy(np.stack([np.load(name.locator) for name in names]))\n"
        "def forget(names):\n    for name in names: os.remove(name.locator)\n"
        "serve(lambda: nn.Linear(4, 2), SGD, dataset=find, forget=forget, threads=1)\n"
    )
    names = [(f"row {index}", f"{index}.npy") for index in range(8)]
    with FakeEngine(write(tmp_path, text)) as engine:
        engine.hello([], 2, held_by="trainer")
        state = engine.initialise()
        by_name = engine.train(state, engine.names(names, y), 8, rate=0.5, epochs=2)
        scores = engine.score(by_name, engine.names(names[2:], y[2:]))
        assert engine.ok("forget", request="R1", rows=engine.names(names[:2], y[:2])) == {}
        assert sorted(path.name for path in tmp_path.glob("*.npy")) == [f"{index}.npy" for index in range(2, 8)]
        found = {name: array.tolist() for name, array in safetensors.numpy.load_file(by_name).items()}
    with FakeEngine(write(tmp_path, "serve(lambda: nn.Linear(4, 2), SGD, threads=1)\n")) as engine:
        engine.hello([4], 2)
        trained = engine.train(engine.initialise(), engine.rows(x, y), 8, rate=0.5, epochs=2)
        assert {name: array.tolist() for name, array in safetensors.numpy.load_file(trained).items()} == found
        assert np.array_equal(engine.score(trained, engine.rows(x[2:], y[2:]))["logits"], scores["logits"])
