"""Occluded COCO: pictures of COCO in which an object of a class is partly hidden, `occluded-coco`, or with a folder.

The folder holds `occluded_coco.json`, a list of `[picture, class, …]`, one line an object, and COCO's `val2017`. The
publisher's file is a pickle, which Mirante does not open; whoever trusts its source turns it into JSON with

    python -c "import json, pickle; json.dump([one[:2] for one in pickle.load(open('occluded_coco.pkl', 'rb'))],
    open('occluded_coco.json', 'w'))"

Each class name is one query, right for the pictures with a hidden object of it; papers print the mAP (ELIP, arXiv
2502.15682). ELIP does not say which pictures its gallery holds; here they are those of the list, and a picture that
shows a class only unhidden counts as wrong for it. Figures may therefore differ from the paper's.
"""

import json
from pathlib import Path
from typing import Any

from mirante.datasets._classes import Classes
from mirante.datasets._entries import Entry
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import parsed, pictures_of

FILE = "occluded_coco.json"
SPLIT = "test"
PUBLISHED = Published(
    name="occluded-coco",
    title="Occluded COCO",
    licence=Licence("unstated", "Flickr Terms of Use"),
    citation="Zhan et al. 2022, arXiv 2210.10046; Zhan et al. 2025, arXiv 2502.15682",
    homepage="https://github.com/Championchess/A-Tri-Layer-Plugin-to-Improve-Occluded-Detection",
    languages=("en",),
    splits={},
    columns={"image": "[0]", "text": "[1]"},
    layout=(FILE, "val2017/*.jpg"),
    asks="classes",
    downloads=(
        Download(
            "occluded_coco.pkl", "https://www.robots.ox.ac.uk/~vgg/research/tpod/datasets/occluded_coco.pkl", None
        ),
        Download("val2017.zip", "http://images.cocodataset.org/zips/val2017.zip", 816_000_000),
    ),
)


def accepts(address: str) -> bool:
    """Whether the address is `occluded-coco`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> Classes:
    """Read the list and find its pictures.

    Raises:
        MissingData: the list or the pictures are not there; says what to download.
        DataError: the list is damaged.
    """
    path = PUBLISHED.need(address, FILE, f"*/{FILE}")
    entries = parsed(path, _entries, "a list of [picture, class]")
    root = pictures_of(PUBLISHED, address, entries, ("val2017", "images", ""), options)
    return Classes(address, entries, root, (path,), PUBLISHED.columns, options.language)


def example(folder: Path) -> str:
    """Write six pictures, two of which show two classes, into `folder`; returns its address."""
    from mirante.datasets import _example

    _example.pictures(folder / "val2017", lambda number: f"{number:012}.png")
    objects = [(number, "disc" if number < 4 else "ring") for number in range(6)]
    rows = [[f"{number:012}.png", name, 7] for number, name in [*objects, (0, "ring"), (1, "ring"), (1, "ring")]]
    (folder / FILE).write_text(json.dumps(rows), encoding="utf-8")
    return f"occluded-coco:{folder}"


def _entries(data: Any) -> list[Entry]:
    classes: dict[str, dict[str, None]] = {}
    for file, name, *_ in data:
        classes.setdefault(str(file), {})[str(name).replace("_", " ")] = None
    return [
        Entry(Path(file).stem, file, SPLIT, tuple((name, "en") for name in found), {})
        for file, found in classes.items()
    ]
