"""Flickr30k in Karpathy's split: `flickr30k`, or `flickr30k:/path/to/folder`.

The folder holds `dataset_flickr30k.json` and the pictures, in `flickr30k-images` or beside it. Copies on the hub that
call all 31,783 pictures "test" (lmms-lab/flickr30k) hold the training pictures of this split; they are not read here.
"""

from pathlib import Path

from mirante.datasets._entries import Listed
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import KARPATHY, karpathy

FILE = "dataset_flickr30k.json"
PUBLISHED = Published(
    name="flickr30k",
    title="Flickr30k (Karpathy)",
    licence=Licence("research", "Flickr Terms of Use"),
    citation="Young et al. 2014, TACL 2; Karpathy and Fei-Fei 2015, arXiv 1412.2306",
    homepage="https://shannon.cs.illinois.edu/DenotationGraph/",
    languages=("en",),
    splits={"train": 29_000, "val": 1_014, "test": 1_000},
    captions=155_070,
    columns={"image": "filename", "text": "sentences.raw"},
    layout=(FILE, "flickr30k-images/*.jpg"),
    downloads=(
        KARPATHY,
        Download("flickr30k-images.zip", "https://huggingface.co/datasets/nlphuji/flickr30k", 4_390_000_000),
    ),
    protocol="flickr30k-1k",
)


def accepts(address: str) -> bool:
    """Whether the address is `flickr30k`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> Listed:
    """Read the JSON file and find its pictures.

    Raises:
        MissingData: the file or the pictures are not there; says what to download.
    """
    return karpathy(
        PUBLISHED, address, options, file=FILE, choices=("flickr30k-images", "", "images", "flickr30k_images")
    )


def example(folder: Path) -> str:
    """Write six pictures in Flickr30k's layout into `folder`; returns its address."""
    from mirante.datasets import _example

    _example.karpathy(folder / FILE, folder / "flickr30k-images", texts=lambda one: [one.english])
    return f"flickr30k:{folder}"
