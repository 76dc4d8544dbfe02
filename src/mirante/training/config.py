"""What a training run is: frozen data, read from one TOML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from mirante.captioning.shapes import NewDecoder
from mirante.rerankers._guiding import Guiding

Part: TypeAlias = Literal["all", "none", "projection"] | int


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
    """Where training starts: one of `start` and `new`.

    Args:
        start: a checkpoint: a folder, a hub id or an embedded name.
        new: a model to be made from nothing.
        revision: branch, tag or commit of a hub id.
    """

    start: str | None = None
    new: NewModel | None = None
    revision: str | None = None


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters beside frozen layers (Hu et al. 2021, arXiv 2106.09685), by `peft`.

    Args:
        rank: of each adapter.
        alpha: the adapter's output is multiplied by alpha / rank.
        dropout: of the adapter's input.
        dora: learn the magnitude of each row apart from its direction (Liu et al. 2024, arXiv 2402.09353).
        layers: endings of the names of the layers that get one, e.g. `"q_proj"` or `"token_embedding"`; where empty,
            every linear layer of what is trained, but SigLIP's pooling attention.
        merge: fold the adapters into the checkpoint; else they are kept apart, beside the name of their base.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    dora: bool = False
    layers: tuple[str, ...] = ()
    merge: bool = True


@dataclass(frozen=True)
class Trained:
    """What of the model is trained.

    Args:
        image: of the image tower `"all"`, `"none"` (locked, as in LiT: Zhai et al. 2022, arXiv 2111.07991), its
            `"projection"` into the shared space only, or its last so many blocks and what follows them.
        text: the same of the text tower.
        lora: train adapters in these parts instead of their weights.
        geometric: train the matrices of the MLPs as magnitude and direction of their rows (GmP); saved as plain ones.
        layer_decay: the rate of each block is that of the block above it times this; 1 for one rate.
    """

    image: Part = "all"
    text: Part = "all"
    lora: Lora | None = None
    geometric: bool = False
    layer_decay: float = 1.0


@dataclass(frozen=True)
class Data:
    """What is learnt from, and what is measured.

    Args:
        address: data set and split, e.g. `"scenes:train"`.
        validation: data set and split measured before, after and every `TrainConfig.validate_every` steps.
        retain: another data set and split, measured beside it: what the model must not forget.
        retain_language: of its captions, None for all.
        hold_out: share of the pictures to keep from training, and to validate on where `validation` is not given;
            drawn by picture with seed 42.
        language: of the captions, None for all.
        image_column: where the data set does not make it plain.
        text_column: likewise.
        limit: use the first N images only.
        share: of the pictures to learn from, drawn at random after the others are held out, always the same ones; a
            smaller share is a part of a larger one. None for all.
        captions: `"given"`, `"longest"` for the longest of each picture alone, here and in what is measured, or
            `"partial"` where the data set can make true partial captions (`scenes`).
        partners: share of pairs that come with their minimal partner (`captions = "partial"` only).
        partials: partial captions per picture (`captions = "partial"` only).
        false_captions: of partners alone, exchanges, also counts, or also bare sides (`captions = "partial"` only).
        near_copies: of training pictures among measured ones: where not given, more than 1 % are refused and fewer
            are counted; `"allow"` counts them only; `"skip"` does not look.
    """

    address: str
    validation: str | None = None
    retain: str | None = None
    retain_language: str | None = None
    hold_out: float = 0.0
    language: str | None = None
    image_column: str | None = None
    text_column: str | None = None
    limit: int | None = None
    share: float | None = None
    captions: Literal["given", "longest", "partial"] = "given"
    partners: float = 0.0
    partials: int = 2
    false_captions: Literal["partners", "swaps", "hard", "sides"] = "swaps"
    near_copies: Literal["allow", "skip"] | None = None


@dataclass(frozen=True)
class Hard:
    """Batches of neighbours: each picture comes with others that the model finds alike (`captions = "given"` only).

    Args:
        every: steps between searches with the model as it then is; the first comes before the first step.
        neighbours: pictures in each group of neighbours, the one searched from included.
        direction: whose neighbours: pictures near a text, texts near a picture, or both in turn.
        ceiling: neighbours whose picture or text is more alike to the own one than this cosine are taken for
            unmarked positives and left out.
    """

    every: int = 500
    neighbours: int = 4
    direction: Literal["text_to_image", "image_to_text", "both"] = "both"
    ceiling: float = 0.95


@dataclass(frozen=True)
class Memory:
    """How a batch fits the device; none of it changes the loss.

    Args:
        micro: pictures (and texts) whose activations are held at once, 0 for the whole batch: gradient caching.
        checkpointing: recompute activations layer by layer in the backward pass.
        precision: of the forward pass; the weights stay in fp32.
    """

    micro: int = 0
    checkpointing: bool = False
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"


@dataclass(frozen=True)
class LossTerm:
    """One part of the objective.

    Args:
        name: a component of `mirante.losses`.
        weight: its factor in the sum of all parts.
        texts: that it sees: `"all"`, or those of one role in a picture's batch (`captions = "partial"` only): `"full"`
            descriptions, the `"noun"` of one object, one `"side"` of a relation, other `"partial"` ones.
        options: of the component, by name.
    """

    name: str
    weight: float = 1.0
    texts: Literal["all", "full", "noun", "side", "partial"] = "all"
    options: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Elip:
    """A guide over the frozen model, in place of the model itself: what re-ranks as `elip:OUT/checkpoint`.

    Args:
        guide: how a query guides the image tower.
        candidates: pictures of the batch that each text is scored against, the true ones that the model misses (half
            at most) and the false ones that it likes best; 0 for all, as in the paper.
        loss: `"cross-entropy"` of each text among its pictures, `"symmetric"` of each picture among its texts too,
            pairwise `"sigmoid"`, or `"smooth-ap"`. `"itm"` (over a BLIP-2 only) asks whether each picture matches; its
            false candidates are drawn, the likelier the more the model likes them: one, with candidates = 2, as in the
            paper.
        added: the guided score is added to the model's own cosine, with a weight that validation chooses (0 among the
            choices); else it stands alone, as in the paper.
        depth: answers that are re-ranked at validation.
        start: folder of a guide of the same shape over the same model, to go on from; None for a new one.
    """

    guide: Guiding = field(default_factory=Guiding)
    candidates: int = 0
    loss: Literal["cross-entropy", "symmetric", "sigmoid", "smooth-ap", "itm"] = "cross-entropy"
    added: bool = True
    depth: int = 20
    start: str | None = None


@dataclass(frozen=True)
class Caption:
    """A captioner, in place of a model that compares: `model.start` is one, or lends its image tower to a new one.

    Args:
        decoder: a new one over the image tower of `model.start`, which is a retrieval model then; None where
            `model.start` writes captions itself.
        prompt: words that captions go on from and that are not learnt, e.g. BLIP's "a picture of"; of a chat model
            what it is asked.
        tokens: of a caption; longer ones are cut in training, and none longer is written.
        smoothing: of labels: this share of each word's probability goes to all other words.
        beams: at validation.
        shown: pictures of the validation whose captions are kept, before and after.
    """

    decoder: NewDecoder | None = None
    prompt: str = ""
    tokens: int = 40
    smoothing: float = 0.0
    beams: int = 1
    shown: int = 8


@dataclass(frozen=True)
class TrainConfig:
    """A whole run.

    Args:
        out: folder of the checkpoint, the log and the resolved configuration.
        model: where it starts.
        data: what it learns from.
        trained: what of the model is trained.
        elip: train a guide for re-ranking instead of the model, which stays as it is.
        caption: train a captioner.
        hard: batches of hard negatives, None for batches at random.
        memory: how a batch fits the device.
        losses: parts of the objective.
        steps: optimiser steps of the schedule; may be left out where `epochs` is given.
        epochs: passes over the pictures, instead of `steps`.
        stop_after: end after so many steps, the rate still high, for a run that goes on from the checkpoint.
        batch: images per step, over all processes.
        drop_patches: share of the patches of each training picture to leave out (FLIP: Li et al. 2023,
            arXiv 2212.00794).
        optimiser: AdamW, or Muon for the layers' matrices (for training from nothing).
        learning_rate: its peak, after `warmup` steps.
        schedule: how it goes down to nothing after the warm-up, or `"constant"`.
        weight_decay: of matrices; norms, biases, scales and embeddings have none.
        warmup: steps of linear warm-up.
        clip: largest norm of the gradient.
        validate_every: steps between validations, 0 for start and end only. With it the checkpoint is the best one.
        select: metric, text to image or of captions, that decides which is best.
        patience: stop after so many validations without a better one, 0 for never.
        save_every: steps between states that a killed run resumes from.
        usd_per_hour: price of the machine, for the cost.
        budget: money after which the run stops at a state to go on from, e.g. `"5usd"`; needs `usd_per_hour`.
        max_hours: the same for time, all starts together; a start that gets more goes on exactly.
        tensorboard: also write events for TensorBoard into `out/tensorboard`.
        threads: of torch, 0 for its own choice.
        seed: of weights, data order and captions.
    """

    out: str
    model: Model
    data: Data
    trained: Trained = Trained()
    elip: Elip | None = None
    caption: Caption | None = None
    hard: Hard | None = None
    memory: Memory = Memory()
    losses: tuple[LossTerm, ...] = (LossTerm("infonce"),)
    steps: int = 0
    epochs: float = 0.0
    stop_after: int | None = None
    batch: int = 128
    drop_patches: float = 0.0
    optimiser: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = 1e-3
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    weight_decay: float = 0.05
    warmup: int = 100
    clip: float = 1.0
    validate_every: int = 0
    select: str = "hit_rate@1"
    patience: int = 0
    save_every: int = 500
    usd_per_hour: float = 0.0
    budget: str | None = None
    max_hours: float | None = None
    tensorboard: bool = False
    threads: int = 0
    seed: int = 0
