"""The whole flow, top to bottom: open the data, load the model, embed, judge, save, draw.

Every verb of the command line is one function here or in the layer that it names.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

from mirante import digests, embeddings, encoders, environment, messages
from mirante.cost.timing import Timed, taken
from mirante.datasets import Contrast
from mirante.diagnosis.saved import load_looks, save_looks
from mirante.errors import DataError, UsageError
from mirante.evaluation import (
    Judgement,
    Preset,
    compare_all,
    evaluate_under,
    fingerprint,
    is_reranked,
    judge_contrasts,
    language_gaps,
    load_results,
    made_of,
    rescore,
    save_results,
)
from mirante.indexes import Built, build_index
from mirante.leakage import look_for_leaks
from mirante.report import save_thumbnails, write_report
from mirante.reranking import Chain, open_chain, rerank_all
from mirante.search import Entry, Gallery
from mirante.sources import Collection, Source, collect, read
from mirante.types import Encoder, Result

__all__ = ["Collection", "Job", "Source", "again", "collect", "index", "judge", "read", "run"]


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
        usd_per_hour: price of this machine, 0 where it is not known.
        rerank: re-rankers `KIND[:ADDRESS]` that follow each other on the answers from text to image.
        depth: answers of each query that they order anew.
        trained_on: data that the models learnt from; measured pictures among them are named before any number.
    """

    sources: tuple[Source, ...]
    models: tuple[str, ...]
    out: Path
    report_language: str | None = None
    cache: bool = True
    protocol: Preset = field(default_factory=Preset)
    usd_per_hour: float = 0.0
    rerank: tuple[str, ...] = ()
    depth: int = 100
    trained_on: tuple[Source, ...] = ()


def run(job: Job, load: Callable[[str], Encoder] = encoders.load) -> tuple[Result, ...]:
    """Evaluate every model on every data set, both directions, re-ranked where asked, and draw the report.

    What `job.out` holds already of the same models, data and conditions is not made again, unless without the cache.

    Args:
        job: what is evaluated.
        load: opens a model address; says how models run.

    Raises:
        UsageError: an address, model, re-ranker, column or language does not exist, or there is nothing to evaluate.
        DataError: the data are not what the protocol means.
    """
    models = [load(model) for model in job.models]
    chains = [open_chain(job.rerank, one, depth=job.depth, usd_per_hour=job.usd_per_hour) for one in models]
    collections = [collect(source, job.protocol) for source in job.sources]
    inputs = _inputs(job, models, collections)
    if inputs and job.cache and (job.out / "report.html").is_file() and (before := made_of(job.out, inputs)):
        return before.results
    names = {address: model.provenance.model for address, model in zip(job.models, models, strict=True)}
    looks = look_for_leaks(collections, names, job.trained_on, job.out)
    asked = [(one, encoder, chain) for one in collections for encoder, chain in zip(models, chains, strict=True)]
    judged = [
        found
        for one, encoder, chain in asked
        for found in judge(one, encoder, _cache(encoder, job), chain=chain, usd_per_hour=job.usd_per_hour)
    ]
    (job.out / "report.html").unlink(missing_ok=True)  # the last to be written: without it nothing counts as made
    saved = save_results(
        job.out,
        judged,
        environment={**environment.describe(), "inputs": inputs},
        comparisons=compare_all(one.per_query for one in judged),
        contrasts=[
            found
            for one, encoder, _ in asked
            for found in judge_contrasts(one.contrasts, encoder, _cache(encoder, job), data=one.pairs.name)
        ],
        gaps=language_gaps(one.per_query for one in judged),
        data=[(one.pairs, one.language) for one in collections],
    )
    save_looks(job.out, looks, saved)
    for one in collections:
        save_thumbnails(job.out, one.pairs, saved.results)
    write_report(job.out, job.report_language)
    return saved.results


def _inputs(job: Job, models: Sequence[Encoder], collections: Sequence[Collection]) -> str:
    """16 hex digits of all that the results come from; `""` where re-rankers or data learnt from take part."""
    if job.rerank or job.trained_on:
        return ""
    told = (
        [astuple(model.provenance) for model in models],
        [(fingerprint(one.pairs, one.language), repr(one.protocol)) for one in collections],
        [[_asked(asked) for asked in one.contrasts] for one in collections],
        (repr(job.sources), job.report_language or messages.language(), job.usd_per_hour, environment.code()),
    )
    return digests.short(repr(told))


def _asked(contrast: Contrast) -> tuple[object, ...]:
    """All that a question's answer comes from."""
    texts = [(one.id, one.text, one.language) for one in contrast.texts]
    return contrast.id, contrast.kind, [(one.id, one.content) for one in contrast.images], texts


def again(folder: Path, protocol: Preset, out: Path, report_language: str | None = None) -> tuple[Result, ...]:
    """Score what `run` left in `folder` under another protocol, without a model, into the folder `out`.

    Raises:
        UsageError: `out` is `folder`.
        StoreError: the vectors or data were not kept.
        DataError: the data are not what the protocol means.
    """
    if out.resolve() == folder.resolve():
        raise UsageError(f"--out {str(out)!r} is the folder of the results themselves: give another one.")
    before = load_results(folder)
    costs = {one.provenance: one.details.get("cost") for one in before.results if not is_reranked(one)}
    judged = [_costing(one, costs.get(one.result.provenance)) for one in rescore(before, protocol)]
    comparisons = compare_all(one.per_query for one in judged)
    gaps = language_gaps(one.per_query for one in judged)
    saved = save_results(out, judged, environment=environment.describe(), comparisons=comparisons, gaps=gaps)
    save_looks(out, load_looks(folder), saved)
    for name in ("thumbnails", "leaks"):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, out / name, dirs_exist_ok=True)
    write_report(out, report_language)
    return saved.results


def judge(
    collection: Collection,
    encoder: Encoder,
    folder: Path | None = None,
    *,
    chain: Chain = Chain(),  # noqa: B008 - frozen
    usd_per_hour: float = 0.0,
) -> list[Judgement]:
    """One model on one data set, in both directions, and re-ranked; what encoding cost.

    Its embeddings are kept in `folder`.
    """
    protocol, pairs = collection.protocol, collection.pairs
    chosen = protocol.choose(pairs)
    timed = Timed(encoder)
    images, texts, unreadable = embeddings.embed_pairs(chosen, timed, folder)
    if not chosen.without_images(unreadable).captions:
        raise DataError(f"No picture of {pairs.name!r} can be read: `mirante inspect` says why.")
    judged = evaluate_under(
        protocol, images, texts, pairs, language=collection.language, unreadable=unreadable, answers=chain.depth
    )
    kept = folder.with_name(f"{folder.name}.cost.json") if folder else None
    cost = taken(timed, kept, usd_per_hour)
    return [*(_costing(one, cost) for one in judged), *rerank_all(judged, chain, chosen, images=images, texts=texts)]


def index(source: Path, kind: str, out: Path, *, recall: float | None = None) -> tuple[Gallery, Built]:
    """An index over the images of a folder of embeddings, and how it came to be.

    Args:
        source: the embeddings. Where captions were embedded too, they are the queries that measure the index.
        kind: of the index, or `"auto"`.
        out: folder of the gallery.
        recall: recall@10 to reach, above 0 and at most 1; None to measure only (for `"auto"`: 0.98).

    Raises:
        StoreError: nothing was embedded there.
        UnknownName: no such kind of index.
        UsageError: the recall is not above 0 and at most 1.
    """
    store = embeddings.open_store(source)
    texts = store.load("texts").vectors if kind != "exact" and any(one.texts for one in store.listings) else None
    rows = store.load("images")
    wanted = set(rows.ids)
    entries = {
        row.id: Entry(row.id, tuple(caption.text for caption in row.captions), row.metadata, row.path)
        for row in store.rows()
        if row.id in wanted
    }
    built = build_index(kind, rows, captions=texts, recall=recall, memory=environment.memory()[1])
    return Gallery.create(out, built.kind, rows, entries.values(), made=built.index), built


def _costing(judged: Judgement, cost: Mapping[str, Any] | None) -> Judgement:
    """The same with what encoding cost, where that is known."""
    if not cost:
        return judged
    return replace(judged, result=replace(judged.result, details={**judged.result.details, "cost": cost}))


def _cache(encoder: Encoder, job: Job) -> Path | None:
    return job.out / "embeddings" / _name(encoder) if job.cache else None


def _name(encoder: Encoder) -> str:
    made = encoder.provenance
    readable = "".join(letter if letter.isalnum() else "-" for letter in made.model)[-40:]
    return f"{readable}-{made.revision[:8]}-{made.preprocessing[:8]}"
