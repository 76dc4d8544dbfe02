"""Small pictures for the report's galleries, so that a page can be drawn without the data set."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mirante.progress import track
from mirante.report.languages import detailed
from mirante.shown import thumbnails
from mirante.types import Pairs, Result


def save_thumbnails(out: Path, pairs: Pairs, results: Iterable[Result]) -> None:
    """Keep the pictures that the examples of `results` show, named by the hash of their id, under `out/thumbnails`."""
    shown = {one for result in detailed(results) for one in _shown(result.details.get("examples", {}))}
    wanted = [picture for picture in pairs.images if picture.id in shown]
    thumbnails(track(wanted, "thumbnails", total=len(wanted), unit="pictures"), out / "thumbnails")


def _shown(examples: Mapping[str, Any]) -> set[str]:
    """Ids of every picture that the examples of one result show."""
    every = [one for group in examples.values() for one in group]
    hits = {hit["id"] for one in every for hit in [*one["hits"], *one.get("wanted", [])]}
    return hits | {one["image"] for one in every if one.get("image")}
