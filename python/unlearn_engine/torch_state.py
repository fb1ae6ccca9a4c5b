"""A PyTorch module's state as the engine carries it: names, types, tied weights, and files that never pass through NumPy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import safetensors.torch
import torch

from .tensors import Backend, State

#: Whether a tensor of the ``state_dict``, by its name, is part of the state.
StatePart = Callable[[str, torch.Tensor], bool]

_NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64", torch.int32: "I32",
    torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}


class TorchBackend(Backend):
    """States as PyTorch tensors on the CPU. A tensor that was read must not be changed in place: it is kept for the next request."""

    def load(self, path: str) -> State:
        return dict(safetensors.torch.load_file(path))

    def save(self, state: State, path: str) -> None:
        safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)

    def dtype(self, array: Any) -> str:
        if not isinstance(array, torch.Tensor):
            raise TypeError(f"a tensor is a {type(array).__name__}, and is to be a PyTorch tensor")
        name = _NAMES.get(array.dtype)
        if name is None:
            raise TypeError(f"the protocol has no type for {array.dtype}")
        return name


def entries(module: torch.nn.Module) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The tensors of a module's ``state_dict``, each once, and the names that are others' under a second name.

    Tied weights stand in a ``state_dict`` under every name. They are one tensor to the engine: two would be rounded, merged and
    compressed twice. Which names are left out is decided by their order in the module.

    Returns:
        the tensors by their first name, parameters with ``requires_grad`` as it is; and the first name by each other one.

    Raises:
        TypeError: where the module keeps something else in its ``state_dict`` (``get_extra_state``).
    """
    first: dict[object, str] = {}
    tensors: dict[str, torch.Tensor] = {}
    aliases: dict[str, str] = {}
    for name, value in module.state_dict(keep_vars=True).items():
        if not isinstance(value, torch.Tensor):
            raise TypeError(f"'{name}' of the module's state is a {type(value).__name__}; only tensors can be carried from block to block")
        # Empty tensors share an address without sharing anything.
        place = (value.device, value.dtype, value.data_ptr(), value.shape, value.stride()) if value.numel() else name
        if place in first:
            aliases[name] = first[place]
        else:
            first[place] = name
            tensors[name] = value
    return tensors, aliases


def state_entries(module: torch.nn.Module, part: StatePart | None = None) -> dict[str, torch.Tensor]:
    """The tensors of ``entries`` that are the state: all, or those that ``part`` takes by name and tensor.

    Raises:
        ValueError: where it takes none.
    """
    tensors = entries(module)[0]
    if part is None:
        return tensors
    taken = {name: tensor for name, tensor in tensors.items() if part(name, tensor)}
    if not taken:
        raise ValueError("no tensor of the module is part of the state, so that there is nothing to be trained")
    return taken


def snapshot(module: torch.nn.Module, part: StatePart | None = None) -> State:
    """Copies of a module's tensors on the CPU, each once; of those alone that ``part`` takes, where it is given."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in state_entries(module, part).items()}


def load(module: torch.nn.Module, state: State, part: StatePart | None = None) -> None:
    """Copies a state into a module, strictly: every tensor, and no other one; names of tied weights may be left out.

    Args:
        part: which tensors are the state (default: all); the others stay as they are.

    Raises:
        RuntimeError: where names or shapes are others.
    """
    aliases = entries(module)[1]
    tied = {name: state[first] for name, first in aliases.items() if name not in state and first in state}
    if part is not None:
        wanted = state_entries(module, part).keys()
        if other := sorted((wanted ^ state.keys()) - aliases.keys()):
            raise RuntimeError(f"'{other[0]}' is {'missing in the state' if other[0] in wanted else 'no part of the state'}")
    module.load_state_dict({**state, **tied}, strict=part is None)


def digest(tensors: State) -> str:
    """SHA-256, in hexadecimal, of tensors' names, types, shapes and bytes, in the order of their names.

    Each tensor is a line of its name, type and shape, with the number of its bytes before them, so that no two sets read alike.
    """
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().to("cpu").contiguous()
        # As bytes: NumPy lacks some of the types.
        data = tensor.reshape(-1).view(torch.uint8)
        total.update(f"{data.numel()} {name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        total.update(memoryview(data.numpy()))
    return total.hexdigest()
