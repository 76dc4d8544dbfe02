"""Weights and activations in 8 bits: the products with fixed weights, which are nearly all of a tower's work.

Each activation gets the range that calibration saw, so a row does not depend on what else is in its batch. Products of
two activations (attention) stay in floating point: in 8 bits they cost the rows far more than all others together.
Weights use 7 of the 8 bits, since processors without VNNI add neighbouring products in 16 bits and would overflow.
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mirante.errors import MissingLibrary
from mirante.runtimes import Inputs


def quantise(file: Path, target: Path, samples: Iterable[Inputs]) -> None:
    """Write the network in `file` to `target` with 8-bit products.

    Args:
        file: of the network in fp32.
        target: where the other goes.
        samples: what it will be given, some hundred items; at least one.

    Raises:
        MissingLibrary: onnx or onnxruntime is not installed.
    """
    try:
        import onnx
        from onnxruntime import quantization
    except ModuleNotFoundError as error:
        raise MissingLibrary(error.name or "onnxruntime", "onnx", "Quantising a model") from error
    model = onnx.load(str(file), load_external_data=False)
    fixed = {one.name for one in model.graph.initializer}
    products = [node for node in model.graph.node if node.op_type in ("MatMul", "Gemm")]
    silent = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        quantization.quantize_static(
            str(file),
            str(target),
            _reader(quantization.CalibrationDataReader, samples),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=["MatMul", "Gemm"],
            nodes_to_exclude=[node.name for node in products if node.input[1] not in fixed],
        )
    finally:
        logging.getLogger().setLevel(silent)


def _reader(kind: Any, samples: Iterable[Inputs]) -> Any:
    given = iter(samples)

    class Reader(kind):  # type: ignore[misc]
        def get_next(self) -> dict[str, Any] | None:
            found = next(given, None)
            return None if found is None else dict(found)

    return Reader()
