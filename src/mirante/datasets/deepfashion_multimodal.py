"""DeepFashion-Multimodal (Marqo): garments with a description, `deepfashion-multimodal`, or with `:/path/to/folder`.

The folder holds the Parquet file of Marqo/deepfashion-multimodal. Its one split is read as `all`; the protocol
`random-10-percent` draws a test from it. Photographs of one garment have descriptions of their own.
"""

from pathlib import Path

from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import parquet
from mirante.datasets.table import Table

PUBLISHED = Published(
    name="deepfashion-multimodal",
    title="DeepFashion-Multimodal (Marqo)",
    licence=Licence("research", "research"),
    citation="Liu et al. 2016, CVPR; Jiang et al. 2022, arXiv 2205.15996",
    homepage="https://huggingface.co/datasets/Marqo/deepfashion-multimodal",
    languages=("en",),
    splits={"all": 42_537},
    captions=42_537,
    columns={"image": "image", "text": "text"},
    layout=("data/*.parquet",),
    downloads=(
        Download(
            "data-00000-of-00001.parquet", "https://huggingface.co/datasets/Marqo/deepfashion-multimodal", 153_000_000
        ),
    ),
    protocol="random-10-percent",
)


def accepts(address: str) -> bool:
    """Whether the address is `deepfashion-multimodal`, bare or with a folder."""
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
            "category1": "men",
            "category2": "discs",
            "text": one.english,
            "item_ID": str(number),
        }

    _example.parquet(folder, row, "data")
    return f"deepfashion-multimodal:{folder}"
