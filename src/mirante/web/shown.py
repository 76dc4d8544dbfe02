"""A collection as the page shows it: what is searched, with which model, and where its pictures are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from PIL.Image import Image

from mirante import pixels
from mirante.rerankers import Reranker
from mirante.search import Gallery, Hit
from mirante.types import Encoder

Pictures: TypeAlias = Mapping[str, Callable[[], Image]] | Callable[[Hit], Image | None]


@dataclass(frozen=True)
class Shown:
    """One collection.

    Args:
        gallery: what is searched.
        encoder: the model that made its rows.
        pictures: id → what loads the picture, or a function of a hit; pictures of hits that it does not know are read
            from the hit's path.
        name: of the collection, where there are several.
        rerankers: may look again at the first answers, in their order.
    """

    gallery: Gallery
    encoder: Encoder
    pictures: Pictures
    name: str = ""
    rerankers: tuple[Reranker, ...] = ()

    def picture(self, hit: Hit) -> Image | None:
        """The picture of a hit, None where it has none.

        Raises:
            UnreadableImage: its file is gone or damaged.
        """
        if isinstance(self.pictures, Mapping):
            load = self.pictures.get(hit.id)
            image = load() if load else None
        else:
            image = self.pictures(hit)
        return pixels.read_file(hit.path) if image is None and hit.path else image
