"""MS-COCO captions in Brazilian Portuguese, translated by machine: `coco-captions-pt-br`, or with `:/path/to/folder`.

The folder holds the Parquet files of laicsiifes/coco-captions-pt-br. Pictures and splits are those of `coco`.
"""

from pathlib import Path

from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import parquet
from mirante.datasets.table import Table

PUBLISHED = Published(
    name="coco-captions-pt-br",
    title="MS-COCO pt-BR (laicsiifes)",
    licence=Licence("MIT", "Flickr Terms of Use"),
    citation="Bromonschenkel et al. 2024, laicsiifes/coco-captions-pt-br; Lin et al. 2014",
    homepage="https://huggingface.co/datasets/laicsiifes/coco-captions-pt-br",
    languages=("pt-BR",),
    splits={"train": 82_783, "restval": 30_504, "validation": 5_000, "test": 5_000},
    captions=616_767,
    columns={"image": "image", "text": "caption"},
    layout=("data/*.parquet",),
    downloads=(
        Download("data/*.parquet", "https://huggingface.co/datasets/laicsiifes/coco-captions-pt-br", 6_359_000_000),
    ),
    protocol="coco-5k",
)


def accepts(address: str) -> bool:
    """Whether the address is `coco-captions-pt-br`, bare or with a folder."""
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
            "cocoid": number,
        }

    _example.parquet(folder, row, "test")
    return f"coco-captions-pt-br:{folder}"
