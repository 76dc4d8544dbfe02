"""ONNX Runtime, on the processor."""

from pathlib import Path
from typing import Any

import numpy as np

from mirante.errors import MissingLibrary, ModelError
from mirante.runtimes import Inputs
from mirante.types import Vectors

PRECISIONS = ("fp32", "int8")
_ERRORS_ONLY = 3


class Session:
    """One network; see `mirante.runtimes.Network`."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def __call__(self, inputs: Inputs) -> Vectors:
        """Named (B, …) arrays → (B, d) float32."""
        return np.asarray(self._session.run(None, dict(inputs))[0], np.float32)


def open(file: Path, precision: str, threads: int) -> Session:
    """The network in `file`, which holds its own number format; each call runs in the thread that makes it.

    Raises:
        MissingLibrary: onnxruntime is not installed.
        ModelError: the file cannot be read.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingLibrary("onnxruntime", "onnx", "The runtime 'onnx'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    try:
        return Session(onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"]))
    except Exception as error:
        raise ModelError(f"{str(file)!r} cannot be read by ONNX Runtime ({error}): delete it and try again.") from error
