"""Flickr30k in Brazilian Portuguese, translated by machine: `flickr30k-pt-br`, or `flickr30k-pt-br:/path/to/folder`.

The folder holds the Parquet files of laicsiifes/flickr30k-pt-br. Pictures and splits are those of `flickr30k`: what
one trains on must not be what the other is tested on.
"""

from pathlib import Path

from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import parquet
from mirante.datasets.table import Table

PUBLISHED = Published(
    name="flickr30k-pt-br",
    title="Flickr30k pt-BR (laicsiifes)",
    licence=Licence("MIT", "Flickr Terms of Use"),
    citation="Bromonschenkel et al. 2024, laicsiifes/flickr30k-pt-br; Young et al. 2014",
    homepage="https://huggingface.co/datasets/laicsiifes/flickr30k-pt-br",
    languages=("pt-BR",),
    splits={"train": 29_000, "validation": 1_014, "test": 1_000},
    captions=155_070,
    columns={"image": "image", "text": "caption"},
    layout=("data/*.parquet",),
    downloads=(
        Download("data/*.parquet", "https://huggingface.co/datasets/laicsiifes/flickr30k-pt-br", 4_306_000_000),
    ),
    protocol="flickr30k-1k",
)


def accepts(address: str) -> bool:
    """Whether the address is `flickr30k-pt-br`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> Table:
    """Find the Parquet files; the first rows are read to check the columns.

    Raises:
        MissingData: there are none; says what to download.
        UnknownName: a column is not there; name it with the options.
    """
    return parquet(PUBLISHED, address, options)


def example(folder: Path) -> str:
    """Write six rows of the hub's schema into `folder`; returns its address."""
    from mirante.datasets import _example

    def row(number: int, one: _example.Sample) -> dict[str, object]:
        return {
            "image": {"bytes": one.data, "path": one.name},
            "caption": [one.portuguese, "um disco"],
            "filename": one.name,
            "img_id": str(number),
        }

    _example.parquet(folder, row, "test")
    return f"flickr30k-pt-br:{folder}"
