"""A network that encodes any number of items: in batches, halved where memory runs out, in evaluation mode."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from mirante.errors import ModelError
from mirante.types import Provenance, Vectors

Input = TypeVar("Input")


class Batched:
    """What encoders with a network share: `rows`."""

    module: Any
    device: torch.device
    batch: int
    _provenance: Provenance

    @property
    def provenance(self) -> Provenance:
        """Of the checkpoint as it was opened."""
        return self._provenance

    @property
    def dim(self) -> int:
        """Width d of a row."""
        raise NotImplementedError

    def rows(self, items: Sequence[Input], features: Callable[[Sequence[Input]], torch.Tensor]) -> Vectors:
        """Items → (n, d) float32 rows of length 1, from `features`, which gives those of a part (B, d).

        Raises:
            ModelError: not even one item fits the device's memory.
        """
        rows, done, training = [np.empty((0, self.dim), np.float32)], 0, self.module.training
        self.module.eval()
        try:
            while done < len(items):
                part = items[done : done + self.batch]
                try:
                    with torch.inference_mode():
                        unit = torch.nn.functional.normalize(features(part).float(), dim=-1)
                        rows.append(unit.cpu().numpy())
                    done += len(part)
                except torch.OutOfMemoryError as error:
                    self._halve(error)
        finally:
            self.module.train(training)
        return np.concatenate(rows)

    def _halve(self, error: torch.OutOfMemoryError) -> None:
        if self.batch == 1:
            raise ModelError(
                f"{self.provenance.model!r} does not fit the memory of {str(self.device)!r}, even one item at a time: "
                "use a smaller model, precision fp16, or device cpu."
            ) from error
        self.batch //= 2
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
