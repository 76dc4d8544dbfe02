"""What a killed run resumes from: everything that the next step depends on, in safetensors and JSON.

A state is a folder `state-00000120`, written under another name and renamed when whole; older ones are then deleted, so
that a whole state is there at any time. Random numbers need no state: each step draws its own from the seed and its
number.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mirante.disk import disk, settle
from mirante.errors import StoreError


@dataclass(frozen=True)
class Position:
    """How far a run is.

    Args:
        step: optimiser steps done.
        seconds: in the loop so far, over all starts.
        loss: running mean, None before the first step.
        best: value of the selected metric in the best checkpoint so far, None where there is none.
        stale: validations since then.
    """

    step: int = 0
    seconds: float = 0.0
    loss: float | None = None
    best: float | None = None
    stale: int = 0

    def after(self, loss: float, seconds: float) -> Self:
        """One step later."""
        running = loss if self.loss is None else 0.95 * self.loss + 0.05 * loss
        return replace(self, step=self.step + 1, loss=running, seconds=seconds)

    def judged(self, value: float, *, best: bool) -> Self:
        """After a validation."""
        return replace(self, best=value, stale=0) if best else replace(self, stale=self.stale + 1)


class Scale:
    """The factor of fp16 gradients, as a part of the state.

    Args:
        scaler: torch's gradient scaler.
    """

    def __init__(self, scaler: Any) -> None:
        self._scaler = scaler

    def tensors(self) -> dict[str, Tensor]:
        """The factor, and for how many steps it held."""
        now = self._scaler.state_dict()
        return {"scaler": torch.tensor([now["scale"], now["_growth_tracker"]], dtype=torch.float64)}

    def restore(self, kept: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        scale, held = kept["scaler"].tolist()
        self._scaler.load_state_dict(self._scaler.state_dict() | {"scale": scale, "_growth_tracker": int(held)})


class Store:
    """The states of one run.

    Args:
        folder: where they lie.
        module: its trained parameters are kept; what is frozen is not.
        objective: kept with its buffers.
        optimisers: kept with their memory.
        more: other parts that have `tensors() -> Mapping[str, Tensor]` and `restore(tensors)`.
    """

    def __init__(
        self,
        folder: Path,
        module: nn.Module,
        objective: nn.Module,
        optimisers: Sequence[torch.optim.Optimizer],
        more: Sequence[Any] = (),
    ) -> None:
        self._folder, self._module, self._objective = folder, module, objective
        self._optimisers, self._more = optimisers, more

    def load(self) -> Position:
        """Put the newest whole state back and say where it stands; step 0 where there is none.

        Raises:
            StoreError: the state is of other weights than these.
        """
        found = newest(self._folder)
        if found is None:
            return Position()
        self._restore(load_file(found / "state.safetensors"))
        return position(found)

    def save(self, position: Position) -> None:
        """Write the present state and delete those before it.

        Raises:
            StoreError: it cannot be written; the state before it is still there.
        """
        target = self._folder / f"state-{position.step:08d}"
        part = self._folder / ".state.part"
        with disk(target):
            try:
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir(parents=True)
                save_file(self._tensors(), part / "state.safetensors")
                (part / "position.json").write_text(json.dumps(asdict(position)), encoding="utf-8")
                settle(part)
                shutil.rmtree(target, ignore_errors=True)
                part.rename(target)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        for old in self._folder.glob("state-*"):
            if old.name < target.name:
                shutil.rmtree(old, ignore_errors=True)

    def _tensors(self) -> dict[str, Tensor]:
        kept = {f"model.{name}": value for name, value in self._trained().items()}
        kept |= {f"objective.{name}": value for name, value in self._objective.state_dict().items()}
        for number, optimiser in enumerate(self._optimisers):
            for index, memory in optimiser.state_dict()["state"].items():
                kept |= {f"optimiser.{number}.{index}.{name}": torch.as_tensor(v) for name, v in memory.items()}
        for part in self._more:
            kept |= part.tensors()
        return {name: value.detach().cpu().contiguous() for name, value in kept.items()}

    @torch.no_grad()
    def _restore(self, kept: Mapping[str, Tensor]) -> None:
        trained = self._trained()
        shapes = {name[6:]: value.shape for name, value in kept.items() if name.startswith("model.")}
        if shapes != {name: value.shape for name, value in trained.items()}:
            raise StoreError(
                f"The state in {str(self._folder)!r} is of another model than the configuration's: give the run "
                "another `out`, or restart it."
            )
        for name, value in trained.items():
            value.copy_(kept[f"model.{name}"])
        objective = {name[10:]: value for name, value in kept.items() if name.startswith("objective.")}
        self._objective.load_state_dict(objective)
        for number, optimiser in enumerate(self._optimisers):
            memory: dict[int, dict[str, Tensor]] = {}
            for name, value in kept.items():
                kind, *rest = name.split(".")
                if kind == "optimiser" and rest[0] == str(number):
                    memory.setdefault(int(rest[1]), {})[rest[2]] = value
            optimiser.load_state_dict({"state": memory, "param_groups": optimiser.state_dict()["param_groups"]})
        for part in self._more:
            part.restore(kept)

    def _trained(self) -> dict[str, Tensor]:
        return {name: value for name, value in self._module.named_parameters() if value.requires_grad}


def newest(folder: Path) -> Path | None:
    """The newest whole state in `folder`."""
    return max((path.parent for path in folder.glob("state-*/position.json")), default=None)


def position(state: Path) -> Position:
    """Where a state stands."""
    return Position(**json.loads((state / "position.json").read_text(encoding="utf-8")))
