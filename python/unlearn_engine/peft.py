"""Adapters of ``peft``, such as LoRA's, as trainers: the base model is a constant, and what the adapters learn is the state."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import peft
import torch

from .torch import Optimiser, RowLoss, source_digest
from .torch import serve as serve_torch
from .torch_state import load as load_state

#: The pretrained model, or what loads it, the same one whenever it is called.
Base = torch.nn.Module | Callable[[], torch.nn.Module]


def trained(name: str, tensor: torch.Tensor) -> bool:
    """Whether a tensor is the adapters': those, and ``modules_to_save``, are all that ``peft`` leaves to be trained."""
    return tensor.requires_grad


class Adapted:
    """Makes a base model with fresh adapters, as often as it is called, without loading the base again."""

    def __init__(self, base: Base, config: peft.PeftConfig) -> None:
        self.base, self.config = base, config
        self._last: Any = None

    def __call__(self) -> torch.nn.Module:
        """The base with adapters drawn from PyTorch's generator. The module of an earlier call loses its own."""
        if self._last is not None:
            # On the CPU, where the first ones were drawn: the same adapters whatever the device.
            base = self._last.unload().to("cpu")
        else:
            base = self.base if isinstance(self.base, torch.nn.Module) else self.base()
        self._last = peft.get_peft_model(base, self.config)
        module: torch.nn.Module = self._last
        return module

    def facts(self) -> dict[str, str]:
        """Versions, the adapters' configuration, and the source of what loads the base. Its weights are named by the trainer."""
        facts = {"peft": peft.__version__, "adapters": json.dumps(self.config.to_dict(), sort_keys=True, default=_plain)}
        if not isinstance(self.base, torch.nn.Module) and (source := source_digest(self.base)):
            facts["base source"] = source
        return facts


def serve(
    base: Base, config: peft.PeftConfig, optimiser: Optimiser, row_loss: RowLoss | None = None, **options: Any
) -> None:
    """Lets the engine train adapters on a frozen base model; returns where it asks for nothing more.

    The state is the adapters alone: what the engine stores for each block, merges, stitches and exports is as small as they are. The base
    is named by a digest of its weights among the facts; with another one, results are no longer called exact.

    The bits of a base in half precision are the same whenever it is loaded; adapters on it are best kept in F32, as ``peft`` does by itself.

    Args:
        base: the pretrained model, such as one of ``transformers``, or a function that loads it. All its weights are frozen.
        config: such as ``LoraConfig(r=8, target_modules=[…])``. Adapters must not change what they start from when the base is loaded
            (``init_lora_weights="pissa"`` and its like do).
        optimiser: makes the optimiser of (parameters, rate), anew for each block.
        row_loss: as ``torch.serve`` says; without it the module's ``logits`` are trained by ``loss`` as those of classes.
        options: further ones of ``torch.serve``.
    """
    adapted = Adapted(base, config)
    options = {"state": trained, "name": f"{config.peft_type} on {_name(base)}", **options}
    options["facts"] = {**adapted.facts(), **(options.get("facts") or {})}
    serve_torch(adapted, optimiser, row_loss=row_loss, **options)


def load(module: torch.nn.Module, path: str) -> None:
    """Loads what the engine exported (``.safetensors``) into a module that ``get_peft_model`` returned, strictly; the base stays.

    Raises:
        RuntimeError: where the adapters are others.
    """
    import safetensors.torch

    load_state(module, safetensors.torch.load_file(path), trained)


def _name(base: Base) -> str:
    return base.__name__ if inspect.isroutine(base) else type(base).__name__


def _plain(value: object) -> object:
    """What JSON lacks: sets, in a fixed order, and names."""
    return sorted(value, key=str) if isinstance(value, (set, frozenset)) else str(value)
