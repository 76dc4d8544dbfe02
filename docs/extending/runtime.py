"""A runtime in one file: ONNX's own reference, which computes a network in numpy, operator by operator.

It is slow, and made to be right: where another engine gives other rows, it says which of the two is at fault.
Source: https://onnx.ai/onnx/api/reference.html
"""

from pathlib import Path
from typing import Any

import numpy as np

from mirante.errors import MissingLibrary, ModelError
from mirante.runtimes import Inputs
from mirante.types import Vectors

PRECISIONS = ("fp32",)


class Reference:
    """See `mirante.runtimes.Network`: every call keeps its values to itself, so threads may share it."""

    def __init__(self, evaluator: Any) -> None:
        self._evaluator = evaluator

    def __call__(self, inputs: Inputs) -> Vectors:
        return np.asarray(self._evaluator.run(None, dict(inputs))[0], np.float32)


def open(file: Path, precision: str, threads: int) -> Reference:
    try:
        from onnx.reference import ReferenceEvaluator
    except ModuleNotFoundError as error:
        raise MissingLibrary("onnx", "onnx", "The runtime 'reference'") from error
    try:
        return Reference(ReferenceEvaluator(str(file)))
    except Exception as error:
        raise ModelError(f"{str(file)!r} cannot be read by ONNX ({error}): delete it and try again.") from error
