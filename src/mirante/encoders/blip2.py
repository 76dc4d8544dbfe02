"""BLIP-2 (ITC): what each learned query found in a picture, of which the one nearest to the text decides.

Source: Li et al. 2023 (BLIP-2, arXiv 2301.12597). A row holds the vectors of all queries side by side, and a text the
same vector once for each; `Provenance.parts` tells how many, so that the best of them counts and not their mean.
"""

from pathlib import Path

from mirante.encoders import Settings, _tiny
from mirante.encoders._qformer import QFormerEncoder, read

MODEL_TYPES = ("blip-2",)


def open(address: str, folder: Path, settings: Settings) -> QFormerEncoder:
    """Open the BLIP-2 for matching in `folder`.

    Raises:
        ModelError: no safetensors weights, or they do not fit the configuration.
    """
    return read(address, folder, settings)


def tiny(folder: Path) -> str:
    """Write a random BLIP-2 (32×32 pixels, 4 queries, 16 wide) into `folder` and return its address."""
    return _tiny.blip2(folder)
