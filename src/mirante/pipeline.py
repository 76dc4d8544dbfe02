"""The whole flow, top to bottom: open the data, load the model, embed, judge, save, draw.

Every verb of the command line is one function here or in the layer that it names.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mirante import embeddings, encoders, environment
from mirante.datasets import ReadOptions, open_dataset, read_pairs, whole
from mirante.errors import DataError, UnreadableImage, UsageError
from mirante.evaluation import Judgement, Settings, compare_all, evaluate, save_results
from mirante.progress import track
from mirante.report import write_report
from mirante.search import Entry, Gallery
from mirante.types import DIRECTIONS, Dataset, Encoder, Pairs, Result

THUMBNAIL = 192
FEW_QUERIES = 5_000
"""Up to so many captions the saved runs hold 1,000 answers a query, beyond it 100."""


@dataclass(frozen=True)
class Source:
    """A data set and how it is read; the language of `reading` selects captions, `limit` the first N images."""

    address: str
    reading: ReadOptions = field(default_factory=ReadOptions)
    limit: int | None = None


@dataclass(frozen=True)
class Job:
    """What is evaluated.

    Args:
        sources: data sets, each with the splits to pool; without one, `test` if there is one, else all.
        models: addresses of models.
        out: folder of results, runs, report and cached embeddings.
        report_language: of `report.html`.
        cache: keep embeddings under `out` for the next time.
    """

    sources: tuple[Source, ...]
    models: tuple[str, ...]
    out: Path
    report_language: str | None = None
    cache: bool = True


def run(job: Job, load: Callable[[str], Encoder] = encoders.load) -> tuple[Result, ...]:
    """Evaluate every model on every data set, both directions, and draw the report.

    Args:
        job: what is evaluated.
        load: opens a model address; says how models run.

    Raises:
        UsageError: an address, model, column or language does not exist, or there is nothing to evaluate.
    """
    models = [load(model) for model in job.models]
    collections = [(source, read(source)) for source in job.sources]
    judged = [one for source, pairs in collections for encoder in models for one in judge(pairs, encoder, source, job)]
    saved = save_results(
        job.out,
        judged,
        environment=environment.describe(),
        comparisons=compare_all(one.per_query for one in judged),
        data=[(pairs, source.reading.language or "") for source, pairs in collections],
    )
    for _, pairs in collections:
        save_thumbnails(job.out, pairs, saved.results)
    write_report(job.out, job.report_language)
    return saved.results


def read(source: Source) -> Pairs:
    """The pairs of a source.

    Raises:
        UsageError: no picture has a caption in the wanted language.
    """
    dataset = open_dataset(source.address, source.reading)
    language = source.reading.language
    pairs = read_pairs(dataset, splits=_splits(dataset), language=language, limit=source.limit)
    if not pairs.captions:
        wanted = f" in {language!r}" if language else ""
        raise UsageError(
            f"{source.address!r} has no captions{wanted}: `mirante inspect` lists its columns and languages."
        )
    return pairs


def judge(pairs: Pairs, encoder: Encoder, source: Source, job: Job) -> list[Judgement]:
    """One model on one data set, in both directions."""
    folder = job.out / "embeddings" / _name(encoder) if job.cache else None
    images, texts, unreadable = embeddings.embed_pairs(pairs, encoder, folder)
    readable = pairs.without_images(unreadable)
    if not readable.captions:
        raise DataError(f"No picture of {pairs.name!r} can be read: `mirante inspect` says why.")
    common = Settings(
        depth=1000 if len(readable.captions) <= FEW_QUERIES else 100,
        language=source.reading.language or "",
        dropped=len(unreadable),
    )
    return [evaluate(images, texts, readable, replace(common, direction=direction)) for direction in DIRECTIONS]


def save_thumbnails(out: Path, pairs: Pairs, results: Iterable[Result]) -> None:
    """Small pictures for the report's galleries, named by the hash of their id."""
    shown = {one for result in results for one in _shown(result.details.get("examples", {}))}
    folder = out / "thumbnails"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [picture for picture in pairs.images if picture.id in shown]
    for picture in track(wanted, "thumbnails", total=len(wanted), unit="pictures"):
        try:
            image = picture.load()
        except UnreadableImage:
            continue
        image.thumbnail((THUMBNAIL, THUMBNAIL))
        image.save(folder / f"{hashlib.sha256(picture.id.encode()).hexdigest()[:24]}.jpg", quality=85)


def index(source: Path, kind: str, out: Path) -> Gallery:
    """An index over the images of a folder of embeddings.

    Raises:
        StoreError: nothing was embedded there.
        UnknownName: no such kind of index.
    """
    store = embeddings.open_store(source)
    rows = store.load("images")
    wanted = set(rows.ids)
    entries = {
        row.id: Entry(row.id, tuple(caption.text for caption in row.captions), row.metadata, row.path)
        for row in store.rows()
        if row.id in wanted
    }
    return Gallery.create(out, kind, rows, entries.values())


def _splits(dataset: Dataset) -> tuple[str, ...]:
    """The splits asked for; of a whole data set its test split, or everything where it has none."""
    asked = dataset is not whole(dataset)
    return ("test",) if not asked and "test" in dataset.splits else dataset.splits


def _shown(examples: Mapping[str, Any]) -> set[str]:
    """Ids of every picture that the examples of one result show."""
    every = [one for group in examples.values() for one in group]
    hits = {hit["id"] for one in every for hit in [*one["hits"], *one.get("wanted", [])]}
    return hits | {one["image"] for one in every if one.get("image")}


def _name(encoder: Encoder) -> str:
    made = encoder.provenance
    readable = "".join(letter if letter.isalnum() else "-" for letter in made.model)[-40:]
    return f"{readable}-{made.revision[:8]}-{made.preprocessing[:8]}"
