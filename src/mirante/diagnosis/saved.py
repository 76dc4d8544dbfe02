"""Leaks beside the results that they spoil: `leaks.json`, and small pictures under `leaks/` for the report.

Everything that a report or another protocol needs is kept, so that neither the data nor a model is asked again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mirante.diagnosis.leaks import Leak, Leaks, without
from mirante.disk import disk
from mirante.errors import StoreError, UnreadableImage
from mirante.evaluation import SavedResults
from mirante.types import Estimate, Picture

NAME, FOLDER, SCHEMA = "leaks.json", "leaks", 1
SHOWN = 24
"""Pairs whose pictures are kept, per look."""
_SIDE = 192


@dataclass(frozen=True)
class Figures:
    """One result and what it is without the queries that leaked, among the same candidates."""

    model: str
    data: str
    direction: str
    queries: int
    touched: int
    metrics: Mapping[str, Estimate]
    without: Mapping[str, Estimate]


@dataclass(frozen=True)
class Look:
    """One look for what was learnt from among what is measured.

    Args:
        models: names of the models that learnt from it.
        leaks: what was found; without pairs where the training data could not be opened.
        problem: why it could not be opened, empty where it could.
        figures: of those models, where something leaked.
    """

    models: tuple[str, ...]
    leaks: Leaks
    problem: str = ""
    figures: tuple[Figures, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        figures = [asdict(one) for one in self.figures]
        touched = {"touched": sorted(self.leaks.touched)}
        return (
            self.leaks.to_dict() | touched | {"models": list(self.models), "problem": self.problem, "figures": figures}
        )


def save_looks(folder: Path, looks: Iterable[Look], saved: SavedResults) -> tuple[Look, ...]:
    """Write `leaks.json` with the figures with and without what leaked; nothing where nothing was looked at.

    Raises:
        StoreError: the disk is full or refuses.
    """
    found = tuple(replace(look, figures=_figures(look, saved)) for look in looks)
    path = folder / NAME
    with disk(path):
        if not found:
            path.unlink(missing_ok=True)
            return ()
        part = path.with_suffix(".part")
        document = {"schema": SCHEMA, "leaks": [look.to_dict() for look in found]}
        part.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        part.replace(path)
    return found


def load_looks(folder: Path) -> tuple[Look, ...]:
    """Read what `save_looks` wrote; nothing where there is no such file.

    Raises:
        StoreError: it is damaged or of another schema.
    """
    path = folder / NAME
    if not path.is_file():
        return ()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']!r}, not {SCHEMA}")
        return tuple(_look(one) for one in document["leaks"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{str(path)!r} is damaged ({error}): evaluate again.") from error


def picture_file(folder: Path, data: str, picture: str) -> Path:
    """Where the small picture of a leak lies."""
    digest = hashlib.sha256(f"{data}\0{picture}".encode()).hexdigest()
    return folder / FOLDER / f"{digest[:24]}.jpg"


def save_pictures(folder: Path, leaks: Leaks, known: Sequence[Picture], asked: Sequence[Picture]) -> None:
    """Keep the pictures of the first pairs, at most 192 pixels wide and high; unreadable ones are passed over.

    Raises:
        StoreError: the disk is full or refuses.
    """
    shown = leaks.pairs[:SHOWN]
    sides = (leaks.known, known, {pair.known for pair in shown}), (leaks.asked, asked, {pair.asked for pair in shown})
    for data, pictures, wanted in sides:
        for picture in (one for one in pictures if one.id in wanted):
            path = picture_file(folder, data, picture.id)
            try:
                image = picture.load()
            except UnreadableImage:
                continue
            image.thumbnail((_SIDE, _SIDE))
            with disk(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                image.save(path, quality=85)


def _figures(look: Look, saved: SavedResults) -> tuple[Figures, ...]:
    leaks = look.leaks
    if not leaks.pairs:
        return ()
    found = []
    for result in saved.results:
        if result.provenance.model in look.models and result.data == leaks.asked:
            values = saved.per_query(result)
            spoilt = leaks.touched if result.direction == "text_to_image" else frozenset(leaks.images)
            rest = without(values, leaks)
            metrics = {name: one for name, one in result.metrics.items() if name in values.values}
            touched = sum(query in spoilt for query in values.queries)
            found.append(
                Figures(result.model, result.data, result.direction, len(values.queries), touched, metrics, rest)
            )
    return tuple(found)


def _look(plain: Mapping[str, Any]) -> Look:
    leaks = Leaks(
        known=plain["known"],
        asked=plain["asked"],
        pairs=tuple(Leak(**pair) for pair in plain["pairs"]),
        pictures=plain["pictures"],
        captions=plain["captions"],
        touched=frozenset(plain["touched"]),
        near=plain["looked_for_near_copies"],
        unreadable=plain["unreadable"],
    )
    figures = tuple(
        Figures(**{**one, "metrics": _estimates(one["metrics"]), "without": _estimates(one["without"])})
        for one in plain["figures"]
    )
    return Look(tuple(plain["models"]), leaks, plain["problem"], figures)


def _estimates(plain: Mapping[str, Mapping[str, float]]) -> dict[str, Estimate]:
    return {name: Estimate(**one) for name, one in plain.items()}
