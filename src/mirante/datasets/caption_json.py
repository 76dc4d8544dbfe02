"""COCO captions (`captions_val2017.json`) and Karpathy's JSON (`dataset_flickr30k.json`), pictures beside them.

The id of a picture is COCO's own number, or its file name where it has none. Karpathy's files name the split of
each picture; of COCO's, the file's name does.
"""

import json
from pathlib import Path

from mirante.datasets import _splits
from mirante.datasets._columns import SAMPLE
from mirante.datasets._entries import Listed, coco_entries, karpathy_entries
from mirante.datasets._files import exists
from mirante.datasets._options import ReadOptions
from mirante.datasets._roots import image_root
from mirante.errors import DataError


def accepts(address: str) -> bool:
    """Whether the address is a `.json` file that holds an object (a list is a table)."""
    path = Path(address)
    if path.suffix.lower() != ".json" or not exists(address) or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(200).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def open(address: str, options: ReadOptions) -> Listed:
    """Read the JSON file (in memory) and find its pictures.

    Raises:
        DataError: it is not JSON, or neither of the two forms.
        UsageError: its pictures are nowhere near; say where with the image root.
    """
    path = Path(address)
    try:
        data = json.loads(path.read_bytes())
        coco = "annotations" in data
        entries = coco_entries(data, _splits.split_in(path.name)) if coco else karpathy_entries(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{address!r} is neither COCO captions nor Karpathy's JSON ({type(error).__name__}: {error}): "
            "it needs images and annotations with captions, or images with sentences."
        ) from error
    if not entries:
        raise DataError(f"{address!r} lists no images: check the file.")
    first = [entry.file for entry in entries[:SAMPLE]]
    places = [path.parent, *(path.parent.parent / name for name in (path.stem.rpartition("_")[2],))]
    near = next((place for place in places if any((place / one).is_file() for one in first)), path.parent)
    root = image_root(first, near, options.image_root, address)
    roles = {"image": "file_name", "text": "caption"}
    return Listed(address, tuple(entries), root, (path,), roles, options.language)


def example(folder: Path) -> str:
    """Write Karpathy's JSON and six pictures into `folder`; returns its address."""
    from mirante.datasets._example import karpathy

    return str(karpathy(folder / "dataset_example.json", folder / "images"))
