"""An encoder whose two towers run in another engine than torch: exported once, kept by what identifies the model.

The files lie in the user's cache, one folder for each model and version of the libraries that exported it. In fp32 the
rows are torch's to float tolerance, which is checked after the export, and so is their space. In int8 they are of a
space of their own: `quantise` makes that network, after calibration on the user's pictures and texts.
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from PIL.Image import Image, linear_gradient

from mirante import digests, runtimes
from mirante.encoders import _checkpoint, _last_block
from mirante.encoders._changed import with_options
from mirante.encoders._dual import DualEncoder, Pixels
from mirante.encoders._tensors import is_naflex, shortened
from mirante.environment import cache_root
from mirante.errors import MissingLibrary, ModelError, UsageError
from mirante.types import Encoder, Vectors

Kind: TypeAlias = Literal["images", "texts"]
T = TypeVar("T")
Arrays: TypeAlias = dict[str, NDArray[Any]]
KINDS: tuple[Kind, ...] = ("images", "texts")
LEAST_COSINE = 0.9999
"""What an exported network must keep of torch's rows; float rounding alone leaves 0.999999."""
_INT8 = "int8"
_FORM = 2
"""Of what is exported: another one is exported anew."""


class Exported(DualEncoder):
    """The towers of `whole` in the engine `runtime`; their features have no gradient.

    Args:
        whole: the encoder in torch; its weights are let go, the engine has its own.
        runtime: an engine other than `torch`.
        precision: what it computes in.
        folder: of the int8 networks, None for the cache.

    Raises:
        UnknownName: the engine does not compute so.
        ModelError: the model does not survive the export, or there is no int8 network of it yet.
        MissingLibrary: a library for the export, or the engine, is not installed.
    """

    learns = ()
    differentiable = False

    def __init__(self, whole: DualEncoder, runtime: str, precision: str, folder: Path | None = None) -> None:
        runtimes.check(runtime, precision)
        files = exported(whole)
        if precision == _INT8:
            files = {kind: (folder or file.parent / _INT8) / file.name for kind, file in files.items()}
            if not all(file.is_file() for file in files.values()):
                raise ModelError(
                    f"{whole.provenance.model!r} has not been made 8-bit on this machine yet: run "
                    "`mirante quantize MODEL DATA`, which calibrates it on your own pictures and captions."
                )
        self.device, self.batch, self.texts = whole.device, whole.batch, whole.texts
        self.tokenizer, self.image_processor = whole.tokenizer, whole.image_processor
        options = {} if precision == "fp32" else {"runtime": runtime, "precision": precision}
        self._provenance = with_options(whole.provenance, options)
        threads = torch.get_num_threads()
        self._networks = {
            kind: runtimes.open_network(runtime, file, precision=precision, threads=threads)
            for kind, file in files.items()
        }
        self.module = whole.module.to("meta")

    def image_features(self, pixels: Pixels) -> torch.Tensor:
        """What `pixels` gave → (B, d), not normalised."""
        return self._run("images", _named(pixels))

    def text_features(self, tokens: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """What `tokens` gave → (B, d), not normalised."""
        return self._run("texts", tokens)

    def _run(self, kind: Kind, given: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return torch.from_numpy(self._networks[kind](_arrays(given)))


def exportable(encoder: Encoder) -> DualEncoder:
    """The encoder, if its towers can be exported.

    Raises:
        UsageError: it is not of two plain towers with pictures of one size.
    """
    if type(encoder) is not DualEncoder or is_naflex(encoder.image_processor):
        raise UsageError(
            f"{encoder.provenance.model!r} runs in torch only: leave --runtime out, or use a model of CLIP's or "
            "SigLIP's kind, of fixed resolution."
        )
    return encoder


def exported(encoder: DualEncoder) -> dict[Kind, Path]:
    """The files of the two towers in fp32, made now if they are not there.

    Raises:
        ModelError: torch cannot export it, or the exported network gives other rows.
        MissingLibrary: a library for the export is not installed.
    """
    folder = _folder(encoder)
    files: dict[Kind, Path] = {kind: folder / f"{kind}.onnx" for kind in KINDS}
    if not all(file.is_file() for file in files.values()):
        with _checkpoint.replaced(folder) as new:
            for kind in KINDS:
                _export(encoder, kind, new / f"{kind}.onnx")
    return files


def quantise(
    encoder: DualEncoder, samples: Mapping[Kind, Sequence[Arrays]], runtime: str, accept: Callable[[DualEncoder], T]
) -> T:
    """Make the int8 networks of `encoder`, and keep them unless `accept` raises.

    Args:
        encoder: the model in torch; its weights are let go.
        samples: what the towers are given, in batches: each activation's range is what they make of them.
        runtime: the engine that `accept` sees it in.
        accept: hears the encoder with its new networks.

    Returns:
        What `accept` returns.

    Raises:
        ModelError, MissingLibrary: as `exported`; and whatever `accept` raises.
    """
    from mirante.runtimes import _int8

    files = exported(encoder)
    with _checkpoint.replaced(_folder(encoder) / _INT8) as new:
        for kind, file in files.items():
            _int8.quantise(file, new / file.name, samples[kind])
        return accept(Exported(encoder, runtime, _INT8, new))


def image_arrays(encoder: DualEncoder, images: Sequence[Image]) -> Arrays:
    """What the image tower is given of RGB pictures: name → (B, …)."""
    return _arrays(_named(encoder.pixels(images)))


def text_arrays(encoder: DualEncoder, texts: Sequence[str]) -> Arrays:
    """What the text tower is given of texts: name → (B, n)."""
    return _arrays(shortened(encoder.tokens(texts)))


def _named(pixels: Pixels) -> dict[str, torch.Tensor]:
    return pixels if isinstance(pixels, dict) else {"pixel_values": pixels}


def _arrays(given: Mapping[str, torch.Tensor]) -> Arrays:
    return {name: values.cpu().numpy() for name, values in given.items()}


def _unit(rows: Vectors) -> Vectors:
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def _folder(encoder: DualEncoder) -> Path:
    """Where the networks of this model lie; other versions of the exporting libraries have a folder of their own."""
    made = (
        f"{encoder.provenance.revision} form {_FORM} torch {torch.__version__} transformers {transformers.__version__}"
    )
    return cache_root(os.environ) / "mirante" / "exports" / digests.short(made)


class _Tower(torch.nn.Module):
    """One tower with its inputs as positional arguments, as an export wants them."""

    def __init__(self, encoder: DualEncoder, names: Sequence[str], features: Callable[[Any], torch.Tensor]) -> None:
        super().__init__()
        self.module, self._names, self._features = encoder.module, names, features

    def forward(self, *values: torch.Tensor) -> torch.Tensor:
        given = dict(zip(self._names, values, strict=True))
        return self._features(given if len(given) > 1 or "input_ids" in given else given["pixel_values"])


def _export(encoder: DualEncoder, kind: Kind, file: Path) -> None:
    sample = _sample(encoder, kind)
    plain = encoder.image_features if kind == "images" else encoder.text_features
    short = kind == "images" and _last_block.applies(encoder)
    tower = _Tower(encoder, list(sample), partial(_last_block.features, encoder) if short else plain)
    batch, length = torch.export.Dim("batch"), torch.export.Dim.DYNAMIC
    free = {0: batch, 1: length} if "attention_mask" in sample else {0: batch}
    try:
        with _silence(), torch.no_grad():
            program: Any = torch.onnx.export(
                tower.eval(),
                tuple(sample.values()),
                input_names=list(sample),
                dynamic_shapes=(tuple(free for _ in sample),),
                dynamo=True,
                verbose=False,
            )
            _without_shapes(program)
            program.save(str(file))
            wanted = _Tower(encoder, list(sample), plain)(*sample.values()).float().numpy()
    except ModuleNotFoundError as error:
        raise MissingLibrary(error.name or "onnxscript", "onnx", "Exporting a model") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{encoder.provenance.model!r} cannot be exported ({reason}): leave --runtime out.") from error
    found = runtimes.open_network("onnx", file)({name: value.numpy() for name, value in sample.items()})
    cosine = float((_unit(found) * _unit(wanted)).sum(axis=1).min())
    if not cosine >= LEAST_COSINE:
        raise ModelError(
            f"The exported {kind} tower of {encoder.provenance.model!r} gives other rows than torch (cosine "
            f"{cosine:.5f}, at least {LEAST_COSINE} is wanted): leave --runtime out."
        )


@contextmanager
def _silence() -> Iterator[None]:
    """Within this block neither the export nor transformers says anything."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), _checkpoint.quiet():
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loggers, levels, strict=True):
            one.setLevel(level)


def _without_shapes(program: Any) -> None:
    """Forget the shapes that the export noted of values in between: quantisation infers its own, and they clash."""
    for node in program.model.graph:
        for value in node.outputs:
            if not value.is_graph_output():
                value.shape = None


def _sample(encoder: DualEncoder, kind: Kind) -> dict[str, torch.Tensor]:
    """What the tower is given of two items."""
    if kind == "texts":
        return shortened(encoder.tokens(["a red square", "um cão azul, à noite, e um gato"]))
    gradient = linear_gradient("L").convert("RGB")
    return _named(encoder.pixels([gradient, gradient.rotate(90)]))
