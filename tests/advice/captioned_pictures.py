"""Plain pictures with captions that name them."""

from collections.abc import Sequence

from PIL import Image

from mirante.types import Caption, Pairs, Picture


def captioned(count: int, languages: Sequence[str] = ("",), name: str = "photos:test") -> Pairs:
    """So many plain pictures, each with one caption a language."""
    images = [
        Picture(f"i{at:03}", f"content {at}", lambda at=at: Image.new("RGB", (8, 8), (at % 256, 0, 0)))  # type: ignore[misc]
        for at in range(count)
    ]
    captions = [Caption(f"i{at:03}#{tag}", f"words {at} {tag}", tag) for at in range(count) for tag in languages]
    relevance = {one.id: frozenset((one.id.partition("#")[0],)) for one in captions}
    return Pairs(tuple(images), tuple(captions), relevance, name)
