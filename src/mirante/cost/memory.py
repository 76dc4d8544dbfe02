"""How much memory a step takes at most: weights, gradients, optimiser, activations, the table of the loss.

What a block keeps for its backward pass was counted tensor by tensor: per token of width w with a hidden layer of
width m the inputs of both norms, of the query, key and value matrices, of the output matrix and of the first matrix of
the MLP, queries, keys and values (8w), the input of the activation and of the second matrix (2m; one m more for CLIP's
quick GELU), and four numbers of the norms and one of each head. The gradients come while activations go, so that a
step never holds all of both.
"""

from dataclasses import replace

from mirante.cost.answer import Need
from mirante.cost.shapes import Shape, Tower
from mirante.cost.work import Side, Work
from mirante.training import TrainConfig

LIBRARIES = 470_000_000
"""Bytes of resident memory of a process that has opened torch, transformers and a data set and computes nothing yet."""
CONTEXT = 600_000_000
"""Bytes of VRAM that a CUDA process holds beside its tensors."""
NUMBER = 4
_TABLES = {"sigmoid": 2.0}
"""Tables of T × B numbers that a loss holds; blocks of 1,024 texts of them."""
_TABLE = 8.0
_BLOCK = 1024


def need(config: TrainConfig, shape: Shape, work: Work, *, processor: bool, pictures: int) -> Need:
    """Bytes of the process (on a processor) or of the GPU.

    Args:
        config: the run.
        shape: of its model.
        work: what a step does.
        processor: whether it runs on one.
        pictures: that are learnt from.
    """
    trained, whole = shape.parameters.trained, shape.parameters.all
    half = config.memory.precision != "fp32"
    gradients = NUMBER * trained
    sides = [side for side in (work.images, work.texts) if side.items and side.learns]
    kept = [activations(side, half=half) for side in sides]
    casts = 2 * whole if half else 0
    parts = {
        "base": LIBRARIES if processor else CONTEXT,
        "weights": NUMBER * whole,
        "gradients": gradients,
        "optimiser": optimiser(config, shape),
        "activations": sum(kept) + casts,
        "loss": words(shape, work) if config.caption else table(config, work),
        "batch": round(NUMBER * 3 * shape.pixels**2 * max(work.images.chunk, 1)),
    }
    if work.once:
        parts["rows"] = NUMBER * shape.dim * pictures * work.once
    if any(term.name == "distillation" for term in config.losses):
        parts["teacher"] = NUMBER * whole
    if processor:
        parts["pixels"] = 3 * shape.pixels**2 * min(pictures, config.steps * config.batch or pictures)
    during = _together(sides, kept, gradients) + casts + max((workspace(side) for side in sides), default=0)
    steady = sum(size for name, size in parts.items() if name not in ("gradients", "activations"))
    stepping = steady + gradients + _orthogonal(config, shape)
    return Need({name: round(size) for name, size in parts.items()}, round(max(steady + during, stepping)))


def activations(side: Side, *, half: bool) -> float:
    """Bytes that one side keeps until its backward pass, of all views of the items held at once."""
    tower = side.tower
    if not tower.trained:
        return side.chunk * side.views * NUMBER * tower.width
    block = tower.tokens * kept(tower, half=half) + (NUMBER / 2 if half else NUMBER) * tower.beside
    inputs = tower.tokens * tower.width * NUMBER
    blocks = tower.trained * inputs + block if side.recomputed else tower.trained * block
    return side.chunk * side.views * (blocks + 2 * inputs)


def kept(tower: Tower, *, half: bool) -> float:
    """Bytes that one block keeps of one token; `half` where autocast computes in 16 bits."""
    width, inner = tower.width, tower.inner
    hidden = (3 if tower.quick else 2) * inner
    numbers = 4 * NUMBER + NUMBER * tower.heads
    if half:
        return 24 * width + 2 * hidden + numbers
    return NUMBER * (8 * width + hidden) + numbers


def workspace(side: Side) -> float:
    """Bytes that the backward pass of one block needs for gradients of activations."""
    return side.chunk * side.tower.tokens * NUMBER * (2 * side.tower.inner + 2 * side.tower.width)


def optimiser(config: TrainConfig, shape: Shape) -> int:
    """Bytes that the optimiser remembers: two numbers of each trained one, of Muon's matrices one."""
    trained = shape.parameters.trained
    if config.optimiser == "adamw":
        return 2 * NUMBER * trained
    in_matrices = sum(rows * columns * count for (rows, columns), count in shape.matrices.items())
    return NUMBER * (2 * trained - in_matrices)


def table(config: TrainConfig, work: Work) -> int:
    """Bytes of the largest table of a loss: every text of a batch against every picture."""
    most = 0.0
    for term in config.losses:
        texts = min(work.captions, _BLOCK) if term.name in _TABLES else work.captions
        most = max(most, _TABLES.get(term.name, _TABLE) * texts * work.batch * NUMBER)
    return round(most)


def words(shape: Shape, work: Work) -> int:
    """Bytes of a captioner's choices: what it expects of every token at every place, three times over.

    The logits, those of words alone, and their logarithms; backwards the latter and two gradients.
    """
    return round(3 * NUMBER * work.texts.chunk * work.texts.tower.tokens * shape.vocabulary)


def _together(sides: list[Side], kept: list[float], gradients: float) -> float:
    """Activations and gradients at their worst moment."""
    if any(side.added and side.chunk < side.items for side in sides):
        return gradients + sum(kept)
    pieces = [size for side, size in zip(sides, kept, strict=True) if side.chunked]
    whole = sum(size for side, size in zip(sides, kept, strict=True) if not side.chunked)
    return gradients + whole + max(pieces) if pieces else max(whole, gradients)


def _orthogonal(config: TrainConfig, shape: Shape) -> float:
    """Bytes of Muon's step: the matrices of one shape together, five times."""
    if config.optimiser != "muon":
        return 0.0
    sizes = (rows * columns * count for (rows, columns), count in shape.matrices.items())
    return 5.0 * NUMBER * max(sizes, default=0)


def scaled(work: Work, batch: int) -> Work:
    """The same step with another number of pictures."""
    share = batch / work.batch
    images, texts = (replace(side, items=side.items * share) for side in (work.images, work.texts))
    return replace(
        work, images=images, texts=texts, batch=batch, captions=work.captions * share, beside=work.beside * share
    )
