"""PyTorch modules as trainers: ``serve(model, optimiser, loss)`` is the whole of a program that ``unlearn init --trainer`` names."""

from __future__ import annotations

import fnmatch
import hashlib
import inspect
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# cuBLAS reads this when it is first used; without it its sums have no fixed order.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import numpy as np
import numpy.typing as npt
import torch

from . import distributed
from .batches import numbered_batches, steps_per_epoch
from .tensors import State
from .torch_state import StatePart, TorchBackend, digest, entries, load, snapshot, state_entries
from .trainer import Place, Progress, Rows, RowsInfo, Scores, Tensor, Trainer, cores, processor
from .trainer import serve as serve_trainer

#: Makes the module anew, with nothing or with what all rows have in common; or the module itself, with weights of its own.
Model = torch.nn.Module | Callable[[], torch.nn.Module] | Callable[[RowsInfo], torch.nn.Module]
#: Makes an optimiser of parameters and a learning rate.
Optimiser = Callable[[list[torch.nn.Parameter], float], torch.optim.Optimizer]
#: The mean loss of a batch, a scalar, of what the module gives and classes (n).
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
#: The negative log-likelihood of each row, (n), in nats, of what the module gives, what it took, and classes (n).
RowLoss = Callable[[Any, Any, torch.Tensor], torch.Tensor]
#: The class that the module names for each row, (n), of what it gives and what it took.
Prediction = Callable[[Any, Any], torch.Tensor]
#: Rows (n, shape of a row), F32, or (n) of ``RowName``, as what the module takes: a tensor, or a tuple or dictionary of tensors.
DataSet = Callable[[npt.NDArray[Any]], Any]
#: Erases rows that the program holds, (n) of ``RowName``, for good.
Forget = Callable[[npt.NDArray[Any]], None]
#: Changes what the module takes in training, with chance from the generator alone.
Transform = Callable[[Any, torch.Generator], Any]


@dataclass
class Options:
    """How a ``TorchTrainer`` trains; ``serve`` says what each means."""

    batch_size: int = 64
    threads: int | None = None
    device: str | torch.device | None = None
    autocast: torch.dtype | None = None
    accumulate: int = 1
    score_batch: int = 512
    transform: Transform | None = None
    name: str | None = None
    dataset: DataSet | None = None
    bits: Mapping[str, int] | None = None
    row_loss: RowLoss | None = None
    prediction: Prediction | None = None
    state: StatePart | None = None
    facts: Mapping[str, str] | None = None
    forget: Forget | None = None

    def __post_init__(self) -> None:
        for name in ("batch_size", "accumulate", "score_batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is to be at least 1, not {getattr(self, name)}")
        if self.prediction and not self.row_loss:
            raise ValueError("a prediction goes with a row_loss; logits name the class themselves")


class TorchTrainer(Trainer):
    """Trains a PyTorch module block by block, to the same bits whenever it is asked again.

    One module is kept for all requests; what a block starts from is loaded into it, strictly. Buffers outside of the ``state_dict`` are
    put back to what they were when the module was made: they must be constants, the same whatever the seed. So must be what ``state``
    leaves out of the ``state_dict``, which ``facts`` names by a digest.
    """

    backend = TorchBackend()

    def __init__(
        self, model: Model, optimiser: Optimiser, loss: Loss, options: Options = Options(), group: distributed.Group | None = None
    ) -> None:
        self.model, self.optimiser, self.loss, self.options, self.group = model, optimiser, loss, options, group
        self.device = torch.device(options.device or "cpu")
        self._made: torch.nn.Module | None = None
        self._constants: dict[str, torch.Tensor] = {}
        self._left_out: str | None = None
        # Before anything is trained: of a module that is given, every answer to initialise is the same.
        self._own = snapshot(model, options.state) if isinstance(model, torch.nn.Module) else None

    # What the engine asks.

    @property
    def can_forget(self) -> bool:
        return self.options.forget is not None

    def start(self, rows_info: RowsInfo, worker: int) -> None:
        self._info = rows_info
        if rows_info.held and self.options.dataset is None:
            raise ValueError("the manifest names rows that this program holds; give serve a dataset that finds them by their names")
        if self.options.device is None and torch.cuda.is_available():
            process = worker if self.group is None else self.group.rank
            self.device = torch.device("cuda", process % torch.cuda.device_count())
        torch.set_num_threads(self.options.threads or max(1, cores() // (self.group.size if self.group else 1)))
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        self.name = self.options.name or type(self._module()).__name__

    def facts(self) -> dict[str, str]:
        options = self.options
        facts = {
            "torch": torch.__version__, "numpy": np.__version__, "processor": processor(),
            "kernels": torch.backends.cpu.get_cpu_capability(), "threads": str(torch.get_num_threads()),
            "processes": str(self.group.size if self.group else 1), "device": "cpu",
            "numbers": f"{torch.get_default_dtype()}, autocast {options.autocast or 'none'}",
            "F32 products": torch.get_float32_matmul_precision(),
            "batch size": str(options.batch_size), "accumulate": str(options.accumulate),
        }
        if self.device.type == "cuda":
            facts["device"] = torch.cuda.get_device_name(self.device)
            facts["cuda"] = f"{torch.version.cuda}, cudnn {torch.backends.cudnn.version()}"  # type: ignore[no-untyped-call]
        elif self.device.type != "cpu":
            facts["device"] = self.device.type
        sources = {
            "model": self.model, "optimiser": self.optimiser, "loss": options.row_loss or self.loss, "dataset": options.dataset,
            "transform": options.transform,
        }
        for name, part in sources.items():
            if digest := source_digest(part):
                facts[f"{name} source"] = digest
        self._module()
        if self._left_out:
            facts["tensors outside of the state"] = self._left_out
        return {**facts, **(options.facts or {})}

    def describe(self) -> list[Tensor]:
        return [
            Tensor(name, tensor.shape, self.backend.dtype(tensor), "parameter" if tensor.requires_grad else "buffer", self._bits(name))
            for name, tensor in state_entries(self._module(), self.options.state).items()
        ]

    def initialise(self, seed: int) -> State:
        if self._own is not None:
            return self._own
        _set_seeds(seed)
        return snapshot(self._make(), self.options.state)

    def train_block(self, state: State, rows: Rows, place: Place, progress: Progress) -> State:
        module = self._loaded(state)
        module.train()
        # Seeds come behind the loading, which may draw numbers. Processes draw dropout of their own.
        _set_seeds(place.seed + (self.group.rank << 53 if self.group else 0))
        parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        optimiser = self.optimiser(parameters, place.rate)
        least = 2 if _normalises_batches(module) else 1
        if self.options.batch_size < least:
            raise ValueError("batches of one row have no variance, and the module normalises batches; give a larger batch_size")
        steps = steps_per_epoch(rows.slots, self.options.batch_size)
        for epoch, step, indices in numbered_batches(rows.slots, rows.slot, self.options.batch_size, place.epochs, place.seed):
            if len(indices) >= least:
                optimiser.zero_grad(set_to_none=True)
                self._add_gradients(module, rows, indices, least, _combined(place.seed, epoch, step))
                if self.group:
                    self.group.add_up(parameters)
                optimiser.step()
            progress((epoch * steps + step + 1) / (steps * place.epochs))
        optimiser.zero_grad(set_to_none=True)
        return snapshot(module, self.options.state)

    def score(self, state: State, rows: Rows) -> Scores:
        module = self._loaded(state)
        module.eval()
        _set_seeds(0)
        # Parts without a row, so that no rows have scores of the right shape, too.
        values = [torch.zeros(0) if self.options.row_loss else torch.zeros(0, self._info.classes)]
        classes = [torch.zeros(0, dtype=torch.int64)]
        with torch.no_grad():
            for first in range(0, len(rows), self.options.score_batch):
                part = slice(first, first + self.options.score_batch)
                x = self._inputs(rows.x[part])
                with self._precision():
                    output = _call(module, x)
                    value = self._row_losses(output, x, self._classes(rows.y[part])) if self.options.row_loss else _logits(output)
                values.append(value.detach().to("cpu", torch.float32))
                if self.options.prediction:
                    classes.append(self.options.prediction(output, x).detach().to("cpu", torch.int64))
        if self.options.row_loss is None:
            return Scores(logits=torch.cat(values).numpy())
        return Scores(loss=torch.cat(values).numpy(), prediction=torch.cat(classes).numpy() if self.options.prediction else None)

    def forget(self, rows: Rows, request: str) -> None:
        assert self.options.forget is not None
        # Of processes that train together one erases.
        if self.group is None or self.group.rank == 0:
            self.options.forget(rows.x)

    # One step.

    def _add_gradients(self, module: torch.nn.Module, rows: Rows, batch: npt.NDArray[np.int64], least: int, seed: int) -> None:
        """Adds the gradient of the mean loss of a batch, or this process's share of it, in parts where gradients are accumulated."""
        share = self.group.share(batch, least) if self.group else batch
        parts = max(1, min(self.options.accumulate, len(share) // least))
        for number, part in enumerate(np.array_split(share, parts)):
            if not len(part):
                continue
            x = self._inputs(rows.x[part])
            if self.options.transform:
                generator = torch.Generator(self.device)
                generator.manual_seed(_combined(seed, number, self.group.rank if self.group else 0))
                x = self.options.transform(x, generator)
            y = self._classes(rows.y[part])
            with self._precision():
                output = _call(module, x)
                loss = self._row_losses(output, x, y).mean() if self.options.row_loss else self.loss(_logits(output), y)
            # Every row of the batch weighs the same, in whichever part and process it is.
            (loss * (len(part) / len(batch))).backward()  # type: ignore[no-untyped-call]

    def _row_losses(self, output: Any, x: Any, y: torch.Tensor) -> torch.Tensor:
        """(n): what ``row_loss`` says of rows. A mean in its place would train just as well, and be wrong in every score."""
        assert self.options.row_loss is not None
        losses = self.options.row_loss(output, x, y)
        if losses.shape != y.shape:
            raise ValueError(f"row_loss gave the shape {tuple(losses.shape)} for {len(y)} rows, which is to be ({len(y)},)")
        return losses

    def _classes(self, y: npt.NDArray[np.int64]) -> torch.Tensor:
        return torch.from_numpy(y if y.flags.writeable else y.copy()).to(self.device)

    def _inputs(self, x: npt.NDArray[Any]) -> Any:
        # Rows of a file are read-only, which tensors cannot be.
        x = x if x.flags.writeable else x.copy()
        return _moved(self.options.dataset(x) if self.options.dataset else torch.from_numpy(x), self.device)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=self.options.autocast or torch.bfloat16, enabled=self.options.autocast is not None)

    # The module.

    def _module(self) -> torch.nn.Module:
        if self._made is None:
            _set_seeds(0)
            self._make()
        assert self._made is not None
        return self._made

    def _make(self) -> torch.nn.Module:
        """Makes the module with the seeds as they are, and keeps it."""
        module = self.model if isinstance(self.model, torch.nn.Module) else _built(self.model, self._info)
        # On the CPU first: the same initial weights whatever the device.
        self._made = module.to(self.device)
        part = self.options.state
        known = state_entries(module, part).keys() if part else module.state_dict().keys()
        self._constants = {name: buffer.detach().clone() for name, buffer in module.named_buffers() if name not in known}
        if part:
            self._check_left_out(module, part)
        return module

    def _check_left_out(self, module: torch.nn.Module, part: StatePart) -> None:
        """Sees to it that what is no part of the state is a constant: nothing brings it back before a block."""
        others = {name: tensor for name, tensor in entries(module)[0].items() if not part(name, tensor)}
        if trained := [name for name, tensor in others.items() if tensor.requires_grad]:
            raise ValueError(f"'{trained[0]}' is trained, and so must be part of the state; freeze it with requires_grad_(False)")
        found = digest(others)
        if self._left_out not in (None, found):
            raise ValueError("tensors outside of the state differ each time that the model is made; load them from a file, or draw none of them")
        self._left_out = found

    def _loaded(self, state: State) -> torch.nn.Module:
        module = self._module()
        load(module, state, self.options.state)
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                if name in self._constants:
                    buffer.copy_(self._constants[name])
        return module

    def _bits(self, name: str) -> int | None:
        patterns = self.options.bits or {}
        return next((bits for pattern, bits in patterns.items() if fnmatch.fnmatchcase(name, pattern)), None)


def serve(
    model: Model,
    optimiser: Optimiser,
    loss: Loss = torch.nn.functional.cross_entropy,
    *,
    batch_size: int = 64,
    threads: int | None = None,
    device: str | torch.device | None = None,
    autocast: torch.dtype | None = None,
    accumulate: int = 1,
    score_batch: int = 512,
    transform: Transform | None = None,
    name: str | None = None,
    dataset: DataSet | None = None,
    bits: Mapping[str, int] | None = None,
    row_loss: RowLoss | None = None,
    prediction: Prediction | None = None,
    state: StatePart | None = None,
    facts: Mapping[str, str] | None = None,
    forget: Forget | None = None,
) -> None:
    """Lets the engine train a PyTorch module; returns where it asks for nothing more.

    The state is the module's ``state_dict``. Parameters with ``requires_grad`` are trained; frozen ones and buffers, such as the running
    statistics of BatchNorm, are carried beside them. Tied weights are carried once, under their first name.

    Args:
        model: makes the module; it is called with nothing, or with a ``RowsInfo`` where it needs an argument, after the seeds were set.
            Or a module: then its own weights are the initial state, whatever the seed.
        optimiser: makes the optimiser of (parameters, rate), anew for each block: what it remembers never passes between blocks.
        loss: the mean loss of (logits, classes); the fields ``logits`` of what a module gives are taken where there are such.
        batch_size: slots of a step; deleted rows leave a batch smaller. Where the module normalises batches, those with a single row that
            is left are passed over: one row has no variance.
        threads: of each process that compute on the CPU (default: the cores that it may run on, shared by processes that train together).
            Other numbers give other bits.
        device: such as ``cuda:1`` (default: the GPU with the worker's number, or the CPU where there is none).
        autocast: the type of mixed precision, such as ``torch.bfloat16``; of ``float16`` losses are not scaled.
        accumulate: parts of a batch that are computed one after the other, for lack of memory; the step is taken behind the last.
        score_batch: rows that are scored at once.
        transform: augments what the module takes, with chance from the ``torch.Generator`` that it is given, which depends on the block's
            seed, the pass and the step, and lies on the device.
        name: for people (default: the module's class).
        dataset: what the module takes, of rows (n, shape of a row) in F32, or of ``manifest:`` of their names, (n) of ``RowName``; a tuple is
            passed as arguments, a dictionary by name.
        bits: by a name or a pattern such as ``*.running_var``, the bits behind the point that tensors keep between blocks.
        row_loss: in place of ``loss``, of a model without classes: the negative log-likelihood of each row, (n), in nats, of (what the
            module gives, what it took, classes (n)). Training minimises its mean over a batch's rows, and it is what the engine calls the
            row's loss. Whether the sum over a row's parts, such as tokens, or their mean is the function's choice; with sums long rows
            weigh more, and exp(−loss), which the engine takes for the probability of the row's label, is next to nothing. Means are
            comparable between rows, and exp(−loss) is then the geometric mean of the parts' probabilities.
        prediction: beside ``row_loss``: the class (n) that the model names, of (what the module gives, what it took).
        state: which tensors of the ``state_dict``, by (name, tensor), are the state; the tensor has ``requires_grad`` where it is trained.
            The others, all of them frozen, must be the same whenever the model is made. They are neither stored nor merged; a digest of
            them is among the facts, so that another base is another program. Buffers among them are put back before every block.
        facts: further texts that the bits of training may depend on, by their names.
        forget: of ``manifest:``, erases rows (n) of ``RowName`` for good, wherever the program has them, and returns when they are gone; some
            may be gone already.
    """
    if row_loss is not None and loss is not torch.nn.functional.cross_entropy:
        raise ValueError("a model is trained by loss or by row_loss, not by both")
    options = Options(
        batch_size, threads, device, autocast, accumulate, score_batch, transform, name, dataset, bits, row_loss, prediction, state, facts, forget
    )
    group = distributed.join()
    trainer = TorchTrainer(model, optimiser, loss, options, group)
    if group is None:
        serve_trainer(trainer)
    elif group.rank == 0:
        serve_trainer(trainer, followers=group)
    else:
        group.follow(trainer)


def _built(model: Callable[..., torch.nn.Module], info: RowsInfo) -> torch.nn.Module:
    try:
        inspect.signature(model).bind()
    except TypeError:
        return model(info)
    return model()


def _set_seeds(seed: int) -> None:
    """Every source of chance that training may draw from."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed([seed & 0xFFFF_FFFF, seed >> 32])


def _combined(*numbers: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _normalises_batches(module: torch.nn.Module) -> bool:
    kinds = torch.nn.modules.batchnorm._BatchNorm
    return any(isinstance(part, kinds) and part.training for part in module.modules())


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, Mapping):
        return {name: _moved(part, device) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return tuple(_moved(part, device) for part in value)
    return value.to(device)


def _call(module: torch.nn.Module, x: Any) -> Any:
    return module(**x) if isinstance(x, Mapping) else module(*x) if isinstance(x, tuple) else module(x)


def _logits(output: Any) -> torch.Tensor:
    logits: torch.Tensor = getattr(output, "logits", output)
    return logits


def source_digest(part: object) -> str | None:
    """SHA-256 of a function's or class's source, where it can be found: a changed loss is another program."""
    if part is None:
        return None
    try:
        source = inspect.getsource(type(part) if isinstance(part, torch.nn.Module) else part)  # type: ignore[arg-type]
    except (OSError, TypeError):
        return None
    return hashlib.sha256(source.encode()).hexdigest()
