"""What a training run is: frozen data, read from one TOML."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class NewModel:
    """A SigLIP-shaped model to be made from nothing.

    Args:
        image_size: side of the square input, pixels.
        patch_size: side of a patch, pixels.
        width: of both towers and of the shared space.
        image_depth: layers of the image tower.
        text_depth: layers of the text tower.
        head_width: width of one attention head.
        text_length: tokens; every text is cut or padded to it.
        vocabulary: tokens of the tokenizer trained on `tokenizer_languages`.
        tokenizer_languages: captions of these languages teach the tokenizer its words (the weights see only the
            training language).
    """

    image_size: int = 72
    patch_size: int = 12
    width: int = 128
    image_depth: int = 6
    text_depth: int = 2
    head_width: int = 32
    text_length: int = 24
    vocabulary: int = 1000
    tokenizer_languages: tuple[str, ...] = ("en", "pt-BR")


@dataclass(frozen=True)
class Model:
    """Where training starts: a checkpoint (`start`) or `new`; `freeze` keeps a tower as it is."""

    start: str | None = None
    new: NewModel | None = None
    freeze: Literal["none", "image", "text"] = "none"


@dataclass(frozen=True)
class Data:
    """What is learnt from.

    Args:
        address: data set and split, e.g. `"scenes:train"`.
        validation: data set and split measured before and after, and every `TrainConfig.validate_every` steps.
        language: of the captions, None for all.
        limit: use the first N images only.
        captions: `"given"`, or `"partial"` where the data set can make true partial captions (`scenes`).
        partners: share of pairs that come with their minimal partner (`captions = "partial"` only).
        partials: partial captions per picture (`captions = "partial"` only).
        false_captions: exchanges only, also counts, or also bare sides (`captions = "partial"` only).
    """

    address: str
    validation: str | None = None
    language: str | None = None
    limit: int | None = None
    captions: Literal["given", "partial"] = "given"
    partners: float = 0.0
    partials: int = 2
    false_captions: Literal["swaps", "hard", "sides"] = "swaps"


@dataclass(frozen=True)
class LossTerm:
    """One part of the objective: a component of `mirante.losses`, its weight, and the texts that it sees."""

    name: str
    weight: float = 1.0
    texts: Literal["all", "full", "noun", "side", "partial"] = "all"


@dataclass(frozen=True)
class TrainConfig:
    """A whole run.

    Args:
        out: folder of the checkpoint, the log and the resolved configuration.
        model: where it starts.
        data: what it learns from.
        losses: parts of the objective.
        steps: optimiser steps of the schedule.
        stop_after: end after so many of them, the rate still high, for a run that goes on from the checkpoint.
        batch: images per step.
        optimiser: AdamW, or Muon for the layers' matrices (for training from nothing).
        learning_rate: its peak, after `warmup` steps; then a cosine down to nothing.
        weight_decay: of matrices; norms, biases, scales and embeddings have none.
        warmup: steps of linear warm-up.
        clip: largest norm of the gradient.
        validate_every: steps between validations, 0 for start and end only.
        threads: of torch, 0 for its own choice.
        seed: of weights, data order and captions.
    """

    out: str
    model: Model
    data: Data
    losses: tuple[LossTerm, ...] = (LossTerm("infonce"),)
    steps: int = 1000
    stop_after: int | None = None
    batch: int = 128
    optimiser: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: int = 100
    clip: float = 1.0
    validate_every: int = 0
    threads: int = 0
    seed: int = 0
