"""Drawings of Pokémon with captions by BLIP: `pokemon`, or `pokemon:/path/to/folder`.

The folder holds the Parquet file of lambdalabs/pokemon-blip-captions or of a copy. The captions were written by a
model and call most of them "a drawing of"; other data sets of the same columns are read as well.
"""

from pathlib import Path

from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import parquet
from mirante.datasets.table import Table

PUBLISHED = Published(
    name="pokemon",
    title="Pokémon BLIP captions",
    licence=Licence("CC BY-NC-SA 4.0", "The Pokémon Company"),
    citation="Pinkney 2022, lambdalabs/pokemon-blip-captions",
    homepage="https://huggingface.co/datasets/lambdalabs/pokemon-blip-captions",
    languages=("en",),
    splits={"train": 833},
    captions=833,
    columns={"image": "image", "text": "text"},
    layout=("data/*.parquet",),
    downloads=(
        Download(
            "train-00000-of-00001.parquet",
            "https://huggingface.co/datasets/reach-vb/pokemon-blip-captions",
            100_000_000,
        ),
    ),
    protocol="random-10-percent",
)


def accepts(address: str) -> bool:
    """Whether the address is `pokemon`, bare or with a folder."""
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
        return {"image": {"bytes": one.data, "path": one.name}, "text": one.english}

    _example.parquet(folder, row)
    return f"pokemon:{folder}"
