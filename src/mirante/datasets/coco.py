"""MS-COCO captions in Karpathy's split: `coco`, or `coco:/path/to/folder` with `dataset_coco.json` and the pictures.

Its test split is the 5,000 pictures that papers measure on; a few pictures have six or seven captions, of which
the protocol `coco-5k` takes the first five.
"""

from pathlib import Path

from mirante.datasets._entries import Listed
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import KARPATHY, karpathy

FILE = "dataset_coco.json"
PUBLISHED = Published(
    name="coco",
    title="MS-COCO (Karpathy)",
    licence=Licence("CC BY 4.0", "Flickr Terms of Use"),
    citation="Lin et al. 2014, arXiv 1405.0312; Karpathy and Fei-Fei 2015, arXiv 1412.2306",
    homepage="https://cocodataset.org",
    languages=("en",),
    splits={"train": 82_783, "restval": 30_504, "val": 5_000, "test": 5_000},
    captions=616_767,
    columns={"image": "filepath, filename", "text": "sentences.raw"},
    layout=(FILE, "train2014/*.jpg", "val2014/*.jpg"),
    downloads=(
        KARPATHY,
        Download("train2014.zip", "http://images.cocodataset.org/zips/train2014.zip", 13_500_000_000),
        Download("val2014.zip", "http://images.cocodataset.org/zips/val2014.zip", 6_600_000_000),
    ),
    protocol="coco-5k",
)


def accepts(address: str) -> bool:
    """Whether the address is `coco`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> Listed:
    """Read the JSON file and find its pictures; for test and val alone, `val2014.zip` is enough.

    Raises:
        MissingData: the file or the pictures are not there; says what to download.
    """
    return karpathy(PUBLISHED, address, options, file=FILE, choices=("", "images"))


def example(folder: Path) -> str:
    """Write six pictures in COCO's layout into `folder`; returns its address."""
    from mirante.datasets import _example

    _example.karpathy(
        folder / FILE, folder, name=lambda n: f"val2014/COCO_val2014_{n}.png", texts=lambda one: [one.english]
    )
    return f"coco:{folder}"
