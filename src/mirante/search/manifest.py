"""`index.json`: the one file that says what an index folder holds and which model opens it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mirante import config
from mirante.errors import StoreError, UsageError
from mirante.indexes import Index
from mirante.types import Provenance

Holds: TypeAlias = Literal["images", "texts"]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `index.json` says.

    Args:
        schema: version of this document.
        kind: of the index, e.g. `"faiss-hnsw"`.
        holds: what the rows are of.
        count: number of rows that can be found.
        dim: width of a row.
        provenance: what made the rows.
        generation: sub-folder of the state that holds.
        created: when this state was written, ISO 8601, UTC.
        versions: of the libraries that wrote it.
        index: what the index says of itself.
    """

    schema: int
    kind: str
    holds: Holds
    count: int
    dim: int
    provenance: Provenance
    generation: str
    created: str
    versions: Mapping[str, Any]
    index: Mapping[str, Any]


def parse(document: Mapping[str, Any], file: Path) -> Manifest:
    """Check what was read from `file`.

    Raises:
        StoreError: it is of another version, or damaged.
    """
    if document.get("schema") != SCHEMA:
        raise StoreError(
            f"{str(file)!r} was written in version {document.get('schema')!r} of the index format, this version "
            f"reads {SCHEMA}: index the data again, or use the version of Mirante that wrote it."
        )
    try:
        return config.build(Manifest, document, str(file))
    except UsageError as error:
        raise StoreError(f"{error} The file is damaged: index the data again.") from error


def describe(index: Index, kind: str, holds: Holds, provenance: Provenance) -> dict[str, Any]:
    """The description of an index as plain data, all but the generation's name."""
    return {
        "schema": SCHEMA,
        "kind": kind,
        "holds": holds,
        "count": len(index),
        "dim": index.dim,
        "provenance": asdict(provenance),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        "index": dict(index.describe()),
    }


def _versions() -> dict[str, str]:
    found = {}
    for library in ("mirante", "numpy", "faiss-cpu"):
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
