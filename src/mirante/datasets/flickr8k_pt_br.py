"""Flickr8k in Brazilian Portuguese, translated by machine: `flickr8k-pt-br`, or `flickr8k-pt-br:/path/to/folder`.

The folder holds the Parquet files of laicsiifes/flickr8k-pt-br. Pictures and splits are those of `flickr8k`.
"""

from pathlib import Path

from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import parquet
from mirante.datasets.table import Table

PUBLISHED = Published(
    name="flickr8k-pt-br",
    title="Flickr8k pt-BR (laicsiifes)",
    licence=Licence("unstated", "Flickr Terms of Use"),
    citation="Bromonschenkel et al. 2024, laicsiifes/flickr8k-pt-br; Hodosh et al. 2013",
    homepage="https://huggingface.co/datasets/laicsiifes/flickr8k-pt-br",
    languages=("pt-BR",),
    splits={"train": 6_000, "validation": 1_000, "test": 1_000},
    captions=40_000,
    columns={"image": "image", "text": "caption"},
    layout=("data/*.parquet",),
    downloads=(Download("data/*.parquet", "https://huggingface.co/datasets/laicsiifes/flickr8k-pt-br", 1_103_000_000),),
)


def accepts(address: str) -> bool:
    """Whether the address is `flickr8k-pt-br`, bare or with a folder."""
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
        }

    _example.parquet(folder, row, "test")
    return f"flickr8k-pt-br:{folder}"
