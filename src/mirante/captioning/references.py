"""What the captions of pictures are compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mirante.types import Caption, Pairs, Protocol


def of_pictures(pairs: Pairs) -> dict[str, list[str]]:
    """Picture id → the different texts that describe it, in the data's order; pictures without one are left out."""
    told: dict[str, dict[str, None]] = {}
    for caption in pairs.captions:
        for image in pairs.relevance[caption.id]:
            told.setdefault(image, {})[caption.text] = None
    return {image.id: list(told[image.id]) for image in pairs.images if image.id in told}


def longest(pairs: Pairs) -> Pairs:
    """Of each picture the longest caption alone, the first of several."""
    best: dict[str, Caption] = {}
    for caption in pairs.captions:
        for image in pairs.relevance[caption.id]:
            if image not in best or len(caption.text) > len(best[image].text):
                best[image] = caption
    kept = {caption.id for caption in best.values()}
    told = tuple(caption for caption in pairs.captions if caption.id in kept)
    return replace(pairs, captions=told, relevance={one.id: pairs.relevance[one.id] for one in told})


def conditions(pairs: Pairs, references: Mapping[str, Sequence[str]], *, language: str, missing: int) -> Protocol:
    """Under which captions are measured; there is no gallery, as nothing is ranked.

    Args:
        pairs: the data.
        references: picture id → its references, of every picture with a caption.
        language: BCP 47 tag of the captions, `""` for several.
        missing: described pictures without one.
    """
    each = sum(map(len, references.values())) / max(1, len(references))
    return Protocol(pairs.name, language, "image_to_text", 0, len(references), each, "as given", 0, missing)
