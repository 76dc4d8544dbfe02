"""The fine-tune that is recommended: a configuration from the model's family and size and the number of pictures.

The figures are those of the recipes under `configs/`: rates fall with the size of the model, passes over the data fall
with its size, batches are as large as the data fills. InfoNCE takes the place of SigLIP's own sigmoid loss in batches
below `SMALL_BATCH`: on 800 pictures of `scenes` in Portuguese, in batches of 64, the embedded model reached R@1 .58
with it and .37 with the sigmoid.
"""

from dataclasses import dataclass, replace
from math import ceil, floor, log2
from typing import Literal

from mirante.advice.families import Family
from mirante.training.config import Data, Hard, Lora, LossTerm, Memory, Model, TrainConfig, Trained

SMALL_BATCH = 256
LEAST_BATCH = 32
FEW = 1_000
"""Up to so many pictures a pre-trained model gets adapters: its weights would learn the pictures by heart."""
MANY = 100_000
"""Beyond so many pictures each is seen a few times only, half of its patches left out, with its neighbours."""
STEPS_SAVED = 500


@dataclass(frozen=True)
class Class:
    """What suits models up to a size.

    Args:
        parameters: the largest model of the class.
        learning_rate: peak, of a whole fine-tune.
        layer_decay: each block's rate against the one above.
        batch: at most.
        micro: pictures whose activations are held at once, 0 for all.
    """

    parameters: float
    learning_rate: float
    layer_decay: float
    batch: int
    micro: int


CLASSES = (
    Class(20e6, 2e-3, 1.0, 128, 0),
    Class(250e6, 3e-5, 0.8, 1024, 64),
    Class(600e6, 2e-5, 0.9, 1024, 64),
    Class(float("inf"), 1e-5, 0.9, 512, 16),
)
PASSES, PASSED, LEAST_PASSES, MOST_PASSES = 20.0, 4_000, 3.0, 60.0
"""So many epochs over so many pictures; over eight times as many pictures half of them; never fewer or more than."""
ADAPTED = 10.0
"""Adapters learn so many times faster than weights."""


@dataclass(frozen=True)
class Learner:
    """The model that a recipe is for.

    Args:
        start: its address.
        family: it is of.
        parameters: all of them.
        image: whether its image tower is trained; `"none"` where the pictures are known and the language is not.
        precision: of the forward pass, as the device at hand has it.
    """

    start: str
    family: Family | None
    parameters: int
    image: Literal["all", "none"] = "all"
    precision: Literal["fp32", "bf16"] = "fp32"


def recipe(learner: Learner, data: Data, *, pictures: int, out: str) -> TrainConfig:
    """The recommended fine-tune of `learner`.

    Args:
        learner: the model.
        data: what is learnt from and measured.
        pictures: n, how many there are to learn from.
        out: folder of the run.
    """
    size = next(one for one in CLASSES if learner.parameters <= one.parameters)
    large = size is not CLASSES[0]
    lora = Lora(rank=16, alpha=32.0) if large and pictures <= FEW else None
    trained = Trained(image=learner.image, lora=lora, layer_decay=1.0 if lora else size.layer_decay)
    config = TrainConfig(
        out=out,
        model=Model(start=learner.start),
        data=data,
        trained=trained,
        hard=Hard() if large and pictures > MANY else None,
        memory=Memory(micro=size.micro, checkpointing=large, precision=learner.precision) if large else Memory(),
        drop_patches=0.5 if large and pictures > MANY and learner.image == "all" else 0.0,
        learning_rate=round(size.learning_rate * (ADAPTED if lora else 1.0), 7),
    )
    return fitted(config, pictures, most=size.batch, own=learner.family == "siglip")


def fitted(config: TrainConfig, pictures: int, *, most: int, own: bool) -> TrainConfig:
    """`config` with the batch, passes, warm-up and loss that suit so many pictures; the rest is kept.

    Args:
        config: a recipe.
        pictures: n.
        most: pictures of a batch at most.
        own: whether the model's own loss is SigLIP's.
    """
    batch = max(LEAST_BATCH, min(most, 2 ** floor(log2(max(pictures, 8) / 8))))
    epochs = round(min(MOST_PASSES, max(LEAST_PASSES, PASSES * (PASSED / max(1, pictures)) ** (1 / 3))), 1)
    steps = ceil(epochs * pictures / batch)
    loss = "sigmoid" if own and batch >= SMALL_BATCH else "infonce"
    return replace(
        config,
        epochs=epochs,
        batch=batch,
        warmup=min(100, max(1, steps // 20)),
        losses=(LossTerm(loss),),
        save_every=min(STEPS_SAVED, max(1, steps // 10)),
    )


def at_share(config: TrainConfig, share: float, *, pictures: int) -> TrainConfig:
    """The recipe on a share of the pictures, measuring nothing by itself: a point of the learning curve.

    The same parts are trained by the same loss and at the same rate; batch and passes are those of the smaller set.

    Args:
        config: the recipe for all of the data.
        share: of the pictures.
        pictures: of the share.

    Returns:
        A configuration that still needs its `out`.
    """
    smaller = fitted(config, pictures, most=config.batch, own=False)
    data = replace(config.data, share=share, validation=None, retain=None, retain_language=None)
    return replace(smaller, losses=config.losses, data=data, out="")
