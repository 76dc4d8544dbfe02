"""WikiArt (Artificio): paintings with their title and style as text, `wikiart`, or `wikiart:/path/to/folder`.

A text is made of the fields, `Untitled / Impressionism`; with `--text-column title,style,artist` of those. Such texts
repeat, and equal ones share their pictures. The data set's own texts are in `description` (`--text-column
description`). Its one split is `train`; the protocol `random-10-percent` draws a test from it.
"""

from pathlib import Path

from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import Joined, parquet
from mirante.datasets.table import Table

PUBLISHED = Published(
    name="wikiart",
    title="WikiArt (Artificio)",
    licence=Licence("unstated", "unstated"),
    citation="Artificio/WikiArt; WikiArt.org",
    homepage="https://huggingface.co/datasets/Artificio/WikiArt",
    languages=("en",),
    splits={"train": 103_250},
    captions=103_250,
    columns={"image": "image", "text": "title,style"},
    layout=("data/*.parquet",),
    downloads=(Download("data/*.parquet", "https://huggingface.co/datasets/Artificio/WikiArt", 2_073_000_000),),
    protocol="random-10-percent",
)


def accepts(address: str) -> bool:
    """Whether the address is `wikiart`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> Table:
    """Find the Parquet files; the first rows are read to check the columns.

    Raises:
        MissingData: there are none; says what to download.
        UnknownName: a column is not there; name it with the options.
    """
    return parquet(PUBLISHED, address, options, kind=Joined)


def example(folder: Path) -> str:
    """Write six rows of the hub's schema into `folder`; returns its address."""
    from mirante.datasets import _example

    def row(number: int, one: _example.Sample) -> dict[str, object]:
        return {
            "image": {"bytes": one.data, "path": one.name},
            "title": f"Disc {number // 2}",
            "style": "Cubism",
            "artist": one.english,
        }

    _example.parquet(folder, row)
    return f"wikiart:{folder}"
