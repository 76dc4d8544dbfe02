"""OpenVINO, on the processor; bf16 pays on processors that multiply it themselves (AMX)."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from mirante.errors import MissingLibrary, ModelError
from mirante.runtimes import Inputs
from mirante.types import Vectors

PRECISIONS = ("fp32", "bf16", "int8")


class Compiled:
    """One network; see `mirante.runtimes.Network`."""

    def __init__(self, model: Any) -> None:
        self._model, self._local = model, threading.local()

    def __call__(self, inputs: Inputs) -> Vectors:
        """Named (B, …) arrays → (B, d) float32."""
        if not hasattr(self._local, "request"):
            self._local.request = self._model.create_infer_request()
        found = self._local.request.infer(dict(inputs))
        return np.array(found[self._model.output(0)], np.float32)


def open(file: Path, precision: str, threads: int) -> Compiled:
    """The network in `file`, compiled for this processor, for `threads` calls at a time of one thread each.

    Raises:
        MissingLibrary: openvino is not installed.
        ModelError: the file cannot be read.
    """
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise MissingLibrary("openvino", "openvino", "The runtime 'openvino'") from error
    _touch(openvino)
    core = openvino.Core()
    wanted = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,
    }
    try:
        return Compiled(core.compile_model(core.read_model(file), "CPU", wanted))
    except RuntimeError as error:
        raise ModelError(f"{str(file)!r} cannot be read by OpenVINO ({error}): delete it and try again.") from error


def _touch(openvino: Any) -> None:
    """Let the binding find numpy now: two threads that first ask for it at once wait for each other for ever."""
    np.asarray(openvino.Tensor(np.zeros(1, np.float32)).data)
