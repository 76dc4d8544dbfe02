"""What one step computes: how often each tower sees how many items, and the floating-point operations of that.

A multiply-add counts as two operations. A block of width w with a hidden layer of width m costs, for each of L tokens,
4w² + 2wm products in its matrices and 2Lw in attention (Kaplan et al. 2020, arXiv 2001.08361, appendix B); norms,
activations and the loss are left out. A backward pass costs as much again for the gradient of the activations and,
where weights are trained, of the weights.
"""

from dataclasses import dataclass, replace

from mirante import losses
from mirante.cost.shapes import Shape, Tower
from mirante.training import TrainConfig
from mirante.training.config import Elip


@dataclass(frozen=True)
class Side:
    """One tower in one step.

    Args:
        tower: with as many tokens as it sees in training.
        items: pictures or texts of one view.
        views: how many views of each item pass with a gradient, or without where the tower is locked.
        extra: how many more pass the frozen teacher.
        learns: whether a gradient flows back.
        light: whether adapters are trained and not the weights.
        micro: items whose activations are held at once, 0 for all.
        recomputed: whether blocks compute their activations again in the backward pass.
        added: whether the loss is a sum over items, so that pieces need no pass without a graph (captions).
    """

    tower: Tower
    items: float
    views: int = 1
    extra: int = 0
    learns: bool = True
    light: bool = False
    micro: int = 0
    recomputed: bool = False
    added: bool = False

    @property
    def chunk(self) -> float:
        """Items whose activations are held at once."""
        return min(self.items, self.micro) if self.micro else self.items

    @property
    def chunked(self) -> bool:
        """Whether each item is encoded twice, first without a graph."""
        return 0 < self.micro < self.items and not self.added

    def operations(self) -> float:
        """Of one step."""
        tower = self.tower
        whole, top = forward(tower), forward(replace(tower, depth=tower.trained))
        if not self.learns:
            return self.items * whole * (self.views + self.extra)
        passes = whole * (2 if self.chunked else 1) + top * (1 if self.light else 2)
        if self.recomputed:
            passes += top - 2 * tower.products
        return self.items * (self.views * passes + self.extra * whole)


@dataclass(frozen=True)
class Work:
    """One step, and what is done once.

    Args:
        images: the image tower; no items where it is locked, for then all pictures pass once.
        texts: the text tower.
        once: passes of every training picture before the first step.
        batch: pictures of a step.
        captions: texts of a step.
        beside: operations of each step on the way to what is learnt.
    """

    images: Side
    texts: Side
    once: int
    batch: int
    captions: float
    beside: float = 0.0

    def step(self) -> float:
        """Operations of one step."""
        return self.images.operations() + self.texts.operations() + self.beside

    def locked(self, pictures: int) -> float:
        """Operations before the first step, of so many pictures."""
        return self.once * pictures * forward(self.images.tower)


def forward(tower: Tower) -> float:
    """Operations of one item on its way through a tower."""
    length, width, inner = tower.tokens, tower.width, tower.inner
    block = length * (4 * width * width + 2 * width * inner) + 2 * length * length * width
    return 2 * (tower.depth * block + tower.products)


def work(config: TrainConfig, shape: Shape, *, batch: int | None = None, texts_per_picture: float = 1.0) -> Work:
    """What a step of `config` does.

    Args:
        config: the run.
        shape: of its model.
        batch: pictures of a step, by default the configuration's.
        texts_per_picture: texts in a batch for each picture of it.
    """
    size = batch or config.batch
    if config.elip:
        return _guided(config, config.elip, shape, size, size * texts_per_picture)
    if config.caption:
        return _written(config, shape, size, size * texts_per_picture)
    asked = [view for term in config.losses for view in losses.needs(losses.create(term.name, term.options))]
    other, teacher = "other_images" in asked, "teacher_images" in asked
    sees, reads = config.trained.image != "none", config.trained.text != "none"
    plain = Side(
        shape.text,
        0.0,
        light=config.trained.lora is not None,
        micro=config.memory.micro,
        recomputed=config.memory.checkpointing,
    )
    image = replace(
        plain,
        tower=_thinned(shape, config.drop_patches),
        items=float(size) if sees else 0.0,
        views=2 if other else 1,
        learns=sees,
    )
    captions = size * texts_per_picture
    text = replace(
        plain,
        items=captions,
        views=2 if "other_texts" in asked else 1,
        extra=1 if "teacher_texts" in asked else 0,
        learns=reads,
    )
    return Work(image, text, (0 if sees else 1) + (1 if teacher else 0), size, captions)


def _guided(config: TrainConfig, elip: Elip, shape: Shape, batch: int, captions: float) -> Work:
    """Every text with its candidates: the guided layers with a gradient, all else once for each picture and text.

    What a guide adds to a layer of width w is 6w² products a token where patches look at words, else its prompts.
    """
    guide, image = elip.guide, shape.image
    tokens = image.tokens + (guide.prompts if guide.form == "prompts" else 0)
    looks = guide.deep * tokens * 6 * image.width**2 if guide.form == "attention" else 0
    upper = replace(image, tokens=tokens, depth=image.trained, products=float(looks))
    cells = captions * min(elip.candidates or batch, batch)
    memory = config.memory
    images = Side(upper, cells, light=True, micro=memory.micro)
    texts = Side(shape.text, captions, learns=False)
    return Work(images, texts, 0, batch, captions, beside=batch * forward(image))


def _written(config: TrainConfig, shape: Shape, batch: int, captions: float) -> Work:
    """Every caption under its picture, told all words before each one (teacher forcing), so in one pass of each tower.

    Where the image tower is locked it still sees every picture in every step; where the decoder is, a gradient passes
    through it to the image tower.
    """
    trained, memory = config.trained, config.memory
    light = trained.lora is not None
    images = Side(
        shape.image, captions, learns=trained.image != "none", light=light,
        micro=memory.micro, recomputed=memory.checkpointing, added=True,
    )  # fmt: skip
    words = replace(images, tower=shape.text, learns=True, light=light or trained.text == "none")
    return Work(images, words, 0, batch, captions)


def _thinned(shape: Shape, share: float) -> Tower:
    """The image tower with the patches that FLIP leaves it."""
    own = 1 if shape.kind == "clip" else 0
    if not share:
        return shape.image
    return replace(shape.image, tokens=own + max(1, round((shape.image.tokens - own) * (1 - share))))
