"""Flickr8k in Karpathy's split: `flickr8k`, or `flickr8k:/path/to/folder`.

The folder holds `dataset_flickr8k.json` and the pictures, in `Flicker8k_Dataset` (the archive's own spelling) or
beside it. Of 8,091 pictures the split names 8,000.
"""

from pathlib import Path

from mirante.datasets._entries import Listed
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import KARPATHY, karpathy

FILE = "dataset_flickr8k.json"
PUBLISHED = Published(
    name="flickr8k",
    title="Flickr8k (Karpathy)",
    licence=Licence("research", "Flickr Terms of Use"),
    citation="Hodosh et al. 2013, JAIR 47; Karpathy and Fei-Fei 2015, arXiv 1412.2306",
    homepage="https://hockenmaier.cs.illinois.edu/8k-pictures.html",
    languages=("en",),
    splits={"train": 6_000, "val": 1_000, "test": 1_000},
    captions=40_000,
    columns={"image": "filename", "text": "sentences.raw"},
    layout=(FILE, "Flicker8k_Dataset/*.jpg"),
    downloads=(
        KARPATHY,
        Download("Flickr8k_Dataset.zip", "https://hockenmaier.cs.illinois.edu/8k-pictures.html", 1_100_000_000),
    ),
)


def accepts(address: str) -> bool:
    """Whether the address is `flickr8k`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> Listed:
    """Read the JSON file and find its pictures.

    Raises:
        MissingData: the file or the pictures are not there; says what to download.
    """
    choices = ("Flicker8k_Dataset", "", "images", "Images", "Flickr8k_Dataset")
    return karpathy(PUBLISHED, address, options, file=FILE, choices=choices)


def example(folder: Path) -> str:
    """Write six pictures in Flickr8k's layout into `folder`; returns its address."""
    from mirante.datasets import _example

    _example.karpathy(folder / FILE, folder / "Flicker8k_Dataset", texts=lambda one: [one.english])
    return f"flickr8k:{folder}"
