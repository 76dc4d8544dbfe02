"""Where each layer of a model stands: in which tower, how high, and whether it is the way into the shared space."""

from dataclasses import dataclass
from typing import Any

from mirante.training.config import Part

_FIRST = ("embeddings", "pre_layrnorm")
_BLOCKS = "encoder.layers"


@dataclass(frozen=True)
class Tower:
    """One tower of a CLIP or SigLIP of transformers, by the names of its layers.

    Args:
        side: `"image"` or `"text"`, as the configuration calls it.
        root: name of its module.
        projection: name of the module that leads into the shared space: CLIP's projection, SigLIP's head.
        depth: number D of its blocks.
    """

    side: str
    root: str
    projection: str
    depth: int

    def level(self, name: str) -> int | None:
        """Of a layer or parameter: 0 embeddings, 1 to D the blocks, D + 1 what follows them, None not of this tower."""
        if _within(name, self.projection):
            return self.depth + 1
        if not _within(name, self.root):
            return None
        own = name.removeprefix(f"{self.root}.")
        if _within(own, _BLOCKS):
            return 1 + int(own.split(".")[2])
        return 0 if any(_within(own, first) for first in _FIRST) else self.depth + 1

    def holds(self, name: str, part: Part) -> bool:
        """Whether a layer or parameter of that name belongs to `part` of this tower."""
        level = self.level(name)
        if level is None or part == "none":
            return False
        if part == "projection":
            return _within(name, self.projection)
        return part == "all" or level > self.depth - part


def of(module: Any) -> tuple[Tower, Tower]:
    """The image tower and the text tower of a CLIP or SigLIP model."""
    clip = hasattr(module, "visual_projection")
    image = "visual_projection" if clip else "vision_model.head"
    text = "text_projection" if clip else "text_model.head"
    return _tower(module, "image", "vision_model", image), _tower(module, "text", "text_model", text)


def _tower(module: Any, side: str, root: str, projection: str) -> Tower:
    return Tower(side, root, projection, len(module.get_submodule(f"{root}.{_BLOCKS}")))


def _within(name: str, prefix: str) -> bool:
    return f"{name}.".startswith(f"{prefix}.")
