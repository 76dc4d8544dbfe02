"""The whole flow, top to bottom: open the data, load the model, embed, judge, save, draw.

Every verb of the command line is one function here or in the layer that it names.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mirante import embeddings, encoders, environment
from mirante.datasets import ReadOptions, open_dataset, read_pairs, whole
from mirante.errors import DataError, UsageError
from mirante.evaluation import (
    Judgement,
    Preset,
    compare_all,
    evaluate_under,
    load_results,
    rescore,
    save_results,
)
from mirante.report import save_thumbnails, write_report
from mirante.search import Entry, Gallery
from mirante.types import Dataset, Encoder, Pairs, Result


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
        cache: keep embeddings under `out` for the next time, and for `again`.
        protocol: which images and captions are asked, and how relevance is read.
    """

    sources: tuple[Source, ...]
    models: tuple[str, ...]
    out: Path
    report_language: str | None = None
    cache: bool = True
    protocol: Preset = field(default_factory=Preset)


def run(job: Job, load: Callable[[str], Encoder] = encoders.load) -> tuple[Result, ...]:
    """Evaluate every model on every data set, both directions, and draw the report.

    Args:
        job: what is evaluated.
        load: opens a model address; says how models run.

    Raises:
        UsageError: an address, model, column or language does not exist, or there is nothing to evaluate.
        DataError: the data are not what the protocol means.
    """
    models = [load(model) for model in job.models]
    collections = [(source, read(source, job.protocol.split)) for source in job.sources]
    for source, pairs in collections:  # before anything is embedded
        job.protocol.parts(job.protocol.choose(pairs), source.reading.language or "")
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


def again(folder: Path, protocol: Preset, out: Path, report_language: str | None = None) -> tuple[Result, ...]:
    """Score what `run` left in `folder` under another protocol, without a model, into the folder `out`.

    Raises:
        UsageError: `out` is `folder`.
        StoreError: the vectors or data were not kept.
        DataError: the data are not what the protocol means.
    """
    if out.resolve() == folder.resolve():
        raise UsageError(f"--out {str(out)!r} is the folder of the results themselves: give another one.")
    judged = rescore(load_results(folder), protocol)
    comparisons = compare_all(one.per_query for one in judged)
    saved = save_results(out, judged, environment=environment.describe(), comparisons=comparisons)
    if (folder / "thumbnails").is_dir():
        shutil.copytree(folder / "thumbnails", out / "thumbnails", dirs_exist_ok=True)
    write_report(out, report_language)
    return saved.results


def read(source: Source, split: str = "") -> Pairs:
    """The pairs of a source; `split` is a protocol's, read where the address names none.

    Raises:
        UsageError: no picture has a caption in the wanted language.
    """
    dataset = open_dataset(source.address, source.reading)
    language = source.reading.language
    pairs = read_pairs(dataset, splits=_splits(dataset, split), language=language, limit=source.limit)
    if not pairs.captions:
        wanted = f" in {language!r}" if language else ""
        raise UsageError(
            f"{source.address!r} has no captions{wanted}: `mirante inspect` lists its columns and languages."
        )
    return pairs


def judge(pairs: Pairs, encoder: Encoder, source: Source, job: Job) -> list[Judgement]:
    """One model on one data set, in both directions."""
    folder = job.out / "embeddings" / _name(encoder) if job.cache else None
    chosen = job.protocol.choose(pairs)
    images, texts, unreadable = embeddings.embed_pairs(chosen, encoder, folder)
    if not chosen.without_images(unreadable).captions:
        raise DataError(f"No picture of {pairs.name!r} can be read: `mirante inspect` says why.")
    language = source.reading.language or ""
    return evaluate_under(job.protocol, images, texts, pairs, language=language, unreadable=unreadable)


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


def _splits(dataset: Dataset, wanted: str) -> tuple[str, ...]:
    """The splits asked for; of a whole data set the protocol's or the test split, or everything where it has none."""
    asked = dataset is not whole(dataset)
    wanted = wanted or "test"
    return (wanted,) if not asked and wanted in dataset.splits else dataset.splits


def _name(encoder: Encoder) -> str:
    made = encoder.provenance
    readable = "".join(letter if letter.isalnum() else "-" for letter in made.model)[-40:]
    return f"{readable}-{made.revision[:8]}-{made.preprocessing[:8]}"
