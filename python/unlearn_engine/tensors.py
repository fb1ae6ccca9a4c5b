"""How states become safetensors files and back, for each library of arrays that a trainer may compute with."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

#: Arrays by name, of whichever library the trainer computes with.
State = dict[str, Any]

#: The protocol's names of types, and the bits that a number of each takes.
DTYPES = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "BOOL": 8}

_NAMES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8", "uint8": "U8",
    "bool": "BOOL",
}


class Backend(ABC):
    """Reads and writes states as arrays of one library. Types that another library lacks, such as bfloat16, never pass through it."""

    @abstractmethod
    def load(self, path: str) -> State:
        """The tensors of a file."""

    @abstractmethod
    def save(self, state: State, path: str) -> None:
        """Writes a file, whole: it is read only after the answer. Use ``write``, which leaves no half of one."""

    @abstractmethod
    def dtype(self, array: Any) -> str:
        """The protocol's name of an array's type.

        Raises:
            TypeError: where the protocol has none.
        """

    def write(self, state: State, path: str) -> None:
        """Writes a file, and removes what there is of it where that fails: the folder is memory, and somebody else's may be short."""
        try:
            self.save(state, path)
        except BaseException:
            if os.path.lexists(path):
                os.unlink(path)
            raise


class NumPyBackend(Backend):
    """States as NumPy arrays, all but bfloat16.

    Arrays that were read are read-only: the session keeps them for the next request, and a change in place would change that state.
    """

    def load(self, path: str) -> State:
        state = safetensors.numpy.load_file(path)
        for array in state.values():
            array.flags.writeable = False
        return dict(state)

    def save(self, state: State, path: str) -> None:
        safetensors.numpy.save_file({name: _contiguous(array) for name, array in state.items()}, path)

    def dtype(self, array: Any) -> str:
        if not isinstance(array, np.ndarray):
            raise TypeError(f"a tensor is a {type(array).__name__}, and is to be a NumPy array")
        name = _NAMES.get(array.dtype.name)
        if name is None:
            raise TypeError(f"the protocol has no type for NumPy's {array.dtype.name}")
        return name


def _contiguous(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # Of an array without dimensions ascontiguousarray would make one of one.
    return array if array.flags["C_CONTIGUOUS"] else np.ascontiguousarray(array)
