"""Score saved results under another protocol: from the vectors and data that were kept, exactly, without a model."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mirante.embeddings import Store, open_store
from mirante.embeddings.listing import Kind, fingerprint, text_content
from mirante.errors import StoreError
from mirante.evaluation.judge import Judgement
from mirante.evaluation.presets import Preset
from mirante.evaluation.results import SavedResults
from mirante.evaluation.under import evaluate_under
from mirante.types import Embeddings, Pairs, Provenance, Result

EMBEDDINGS = "embeddings"


def rescore(saved: SavedResults, preset: Preset) -> list[Judgement]:
    """Judge every model of `saved` on its data under `preset`.

    The saved runs are cut at a depth and hold one gallery, so they are not used: the vectors under `embeddings/` are
    those that the first evaluation judged, found by the content of each image and text. A re-ranked
    result has the vectors of its base and is left out: another protocol has other candidates, and only the re-rankers
    can order those.

    Args:
        saved: what `mirante evaluate` left, with its embeddings.
        preset: the other protocol.

    Raises:
        StoreError: the data or vectors were not kept, or some that the protocol needs were never embedded.
        DataError: the data are not what the protocol means.
    """
    found: list[Judgement] = []
    done: set[tuple[str, Provenance]] = set()
    for result in saved.results:
        if (result.data, result.provenance) in done:
            continue
        done.add((result.data, result.provenance))
        pairs, language = saved.pairs(result)
        images, texts, unreadable = vectors(saved, result, preset)
        found += evaluate_under(preset, images, texts, pairs, language=language, unreadable=unreadable)
    return found


def vectors(
    saved: SavedResults, result: Result, preset: Preset | None = None
) -> tuple[Embeddings, Embeddings, dict[str, str]]:
    """The rows behind `result`, as they were kept: of readable images, of captions, and image id → why unreadable.

    Args:
        saved: what `mirante evaluate` left, with its embeddings.
        result: one of its results.
        preset: which images and captions are wanted, by default all.

    Raises:
        StoreError: the data or vectors were not kept, or some that are wanted were never embedded.
    """
    pairs = saved.pairs(result)[0]
    store = _store(saved.folder / EMBEDDINGS, result.provenance)
    return _vectors(store, preset.choose(pairs) if preset else pairs, result.provenance)


def _store(folder: Path, wanted: Provenance) -> Store:
    for path in _manifests(folder):
        store = open_store(path)
        if store.provenance.same_space(wanted):
            return store
    raise StoreError(
        f"{str(folder)!r} keeps no vectors of {wanted.model!r} (revision {wanted.revision[:12]}), and runs alone are "
        "cut at a depth: evaluate again without --no-cache, or re-score the folder of the first evaluation."
    )


def _manifests(folder: Path) -> Iterator[Path]:
    return (path.parent for path in sorted(folder.glob("*/manifest.json")))


def _vectors(store: Store, pairs: Pairs, made: Provenance) -> tuple[Embeddings, Embeddings, dict[str, str]]:
    """Rows of the readable images and of the captions of `pairs`, and image id → why it is unreadable."""
    reasons = store.shelf("images").unreadable()
    unreadable = {image.id: reasons[image.content] for image in pairs.images if image.content in reasons}
    images = {image.id: image.content for image in pairs.images if image.id not in unreadable}
    texts = {caption.id: text_content(caption.text) for caption in pairs.captions}
    return _rows(store, "images", images, made), _rows(store, "texts", texts, made), unreadable


def _rows(store: Store, kind: Kind, contents: dict[str, str], made: Provenance) -> Embeddings:
    shelf = store.shelf(kind)
    missing = set(contents.values()).difference(shelf.known())
    if missing:
        first = next(one for one, content in contents.items() if content in missing)
        raise StoreError(
            f"{len(missing)} {kind} of this protocol were never embedded in {str(store.folder)!r}, first {first!r}: "
            "the first evaluation saw only a part of the data. Evaluate again with this protocol."
        )
    provenance = replace(made, data=fingerprint(contents.items()))
    return Embeddings(tuple(contents), shelf.vectors(list(contents.values())), provenance)
