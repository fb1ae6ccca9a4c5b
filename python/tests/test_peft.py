"""Adapters on a frozen base, beside a fake engine; skipped where PyTorch or peft is not installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")

from fake_engine import FakeEngine, python
from unlearn_engine.peft import Adapted, load
from unlearn_engine.torch_state import digest

nn = torch.nn
BASE = (
    "class Base(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.inside, self.outside = nn.Linear(4, 16), nn.Linear(16, 3)\n"
    "    def forward(self, x): return self.outside(torch.relu(self.inside(x)))\n"
    "def base():\n    state = torch.random.get_rng_state()\n    torch.manual_seed(7)\n    made = Base()\n"
    "    torch.random.set_rng_state(state)\n    return made\n"
)
SERVE = (
    "import torch\nfrom torch import nn\nfrom peft import LoraConfig\nfrom unlearn_engine.peft import serve\n" + BASE + "if __name__ == '__main__':\n"
    "    serve({base}, LoraConfig(r={rank}, lora_dropout=0.1, target_modules=['outside', 'inside']), torch.optim.Adam{more}, batch_size=10, threads=1)\n"
)
#: Of rank 2: (2, in) and (out, 2).
SHAPES = {
    "base_model.model.inside.lora_A.default.weight": [2, 4], "base_model.model.inside.lora_B.default.weight": [16, 2],
    "base_model.model.outside.lora_A.default.weight": [2, 16], "base_model.model.outside.lora_B.default.weight": [3, 2],
}


def command(tmp_path: Path, base: str = "base", rank: int = 2, more: str = "") -> list[str | Path]:
    script = tmp_path / "trainer.py"
    script.write_text(SERVE.format(base=base, rank=rank, more=more))
    return python(script)


def rows(engine: FakeEngine) -> str:
    rng = np.random.default_rng(1)
    return engine.rows(rng.standard_normal((40, 4)), rng.integers(0, 3, 40))


def made() -> torch.nn.Module:
    space: dict[str, object] = {"nn": nn, "torch": torch}
    exec(BASE, space)
    module: torch.nn.Module = space["base"]()  # type: ignore[operator]
    return module


@pytest.mark.parametrize("base", ["base", "base()"])
def test_adapters_alone_are_the_state_and_training_changes_all_of_them(tmp_path: Path, base: str) -> None:
    with FakeEngine(command(tmp_path, base)) as engine:
        engine.hello([4], 3)
        described = engine.ok("describe")["tensors"]
        assert {tensor["name"]: tensor["shape"] for tensor in described} == SHAPES
        assert {tensor["role"] for tensor in described} == {"parameter"}
        state = engine.initialise(3)
        before = safetensors.numpy.load_file(state)
        assert all(np.any(tensor != 0) == ("lora_A" in name) for name, tensor in before.items())
        assert Path(engine.initialise(4)).read_bytes() != Path(state).read_bytes() == Path(engine.initialise(3)).read_bytes()
        after = safetensors.numpy.load_file(engine.train(state, rows(engine), 40))
        assert all(not np.array_equal(before[name], after[name]) for name in SHAPES)


def test_two_processes_give_the_same_bits_and_one_whatever_it_did_between(tmp_path: Path) -> None:
    ends = []
    for between in (False, True):
        with FakeEngine(command(tmp_path)) as engine:
            engine.hello([4], 3)
            state, data = engine.initialise(3), rows(engine)
            if between:
                engine.train(engine.initialise(8), data, 40, seed=5)
            ends.append(Path(engine.train(state, data, 40)).read_bytes())
    assert ends[0] == ends[1]


def test_fresh_adapters_are_the_base_and_what_was_trained_loads_into_a_module_of_ones_own(tmp_path: Path) -> None:
    with FakeEngine(command(tmp_path)) as engine:
        engine.hello([4], 3)
        state, data = engine.initialise(), rows(engine)
        after = engine.train(state, data, 40)
        x = torch.from_numpy(safetensors.numpy.load_file(data)["x"])
        module = peft.get_peft_model(made(), peft.LoraConfig(r=2, target_modules=["inside", "outside"])).eval()
        with torch.no_grad():
            assert np.allclose(engine.score(state, data)["logits"], made()(x).numpy(), atol=1e-6)
            load(module, after)
            assert np.allclose(engine.score(after, data)["logits"], module(x).numpy(), atol=1e-6)
        other = peft.get_peft_model(made(), peft.LoraConfig(r=2, target_modules=["inside"]))
        with pytest.raises(RuntimeError, match="is no part of the state"):
            load(other, after)


def test_facts_name_the_base_by_its_weights_and_the_adapters_by_their_configuration(tmp_path: Path) -> None:
    found = []
    for rank in (2, 3):
        with FakeEngine(command(tmp_path, rank=rank)) as engine:
            found.append(engine.hello([4], 3)["facts"])
    expected = {f"base_model.model.{name}": tensor for name, tensor in made().state_dict().items()}
    wrapped = {name.replace(".weight", ".base_layer.weight").replace(".bias", ".base_layer.bias"): tensor for name, tensor in expected.items()}
    assert found[0]["tensors outside of the state"] == digest(wrapped)
    assert {name for name in found[0] if found[0][name] != found[1][name]} == {"adapters"}
    assert found[0]["peft"] == peft.__version__ and "base source" in found[0]


def test_a_base_that_stops_being_wrapped_is_loaded_once() -> None:
    calls = []

    def base() -> torch.nn.Module:
        calls.append(1)
        return made()

    adapted = Adapted(base, peft.LoraConfig(r=2, target_modules=["inside"]))
    names = [sorted(adapted().state_dict()) for _ in range(3)]
    assert len(calls) == 1 and names[0] == names[1] == names[2]


def test_a_row_loss_trains_adapters_too(tmp_path: Path) -> None:
    loss = ", lambda output, inputs, y: nn.functional.cross_entropy(output, y, reduction='none')"
    with FakeEngine(command(tmp_path, more=loss)) as engine:
        engine.hello([4], 3)
        state, data = engine.initialise(), rows(engine)
        scores = [engine.score(place, data)["loss"].mean() for place in (state, engine.train(state, data, 40, epochs=20))]
        assert scores[1] < scores[0]
