"""Judge under a protocol: choose, part, judge both ways, and write the conditions beside every number."""

from collections.abc import Collection
from dataclasses import replace

from mirante.evaluation.folds import evaluate_folds, parted
from mirante.evaluation.judge import Judgement, Settings, evaluate
from mirante.evaluation.presets import Preset
from mirante.types import DIRECTIONS, Embeddings, Pairs

FEW_QUERIES, MANY_QUERIES = 5_000, 50_000
"""Up to so many captions of all languages the saved runs hold 1,000 answers a query, or 100; beyond it 10."""


def evaluate_under(
    preset: Preset,
    images: Embeddings,
    texts: Embeddings,
    pairs: Pairs,
    *,
    language: str = "",
    unreadable: Collection[str] = (),
    answers: int = 0,
) -> list[Judgement]:
    """Judge one model's vectors under `preset`, in both directions, language by language where it says so.

    Args:
        preset: the protocol.
        images: rows for every readable image that the protocol chooses.
        texts: rows for every caption that it chooses.
        pairs: the data as read, unreadable images included.
        language: of the captions that were read, `""` for all.
        unreadable: ids of images without a row.
        answers: how many a run from text to image holds at least, where a re-ranker will ask for them.

    Raises:
        DataError: the data are not what the protocol means, or a vector is missing.
    """
    found = []
    chosen = preset.choose(pairs)
    for tag, part in preset.parts(chosen, language):
        folds = [fold.without_images(unreadable) for fold in parted(part, preset.folds)]
        settings = Settings(
            depth=_depth(len(chosen.captions), apart=preset.languages == "each"),
            cutoff=preset.depth,
            equal_captions=preset.equal_captions,
            language=tag,
            dropped=sum(image.id in unreadable for image in part.images),
        )
        for direction in DIRECTIONS:
            asked = replace(settings, direction=direction)
            if direction == "text_to_image":
                asked = replace(asked, depth=max(asked.depth, answers))
            if preset.folds == 1:
                judged = evaluate(images, texts, folds[0], asked)
            else:
                judged = evaluate_folds(images, texts, folds, asked)
            found.append(_named(judged, preset))
    return found


def _depth(captions: int, *, apart: bool) -> int:
    """Answers that a saved run holds; with a run for each language, fewer of each, or they fill the disk."""
    if captions <= FEW_QUERIES:
        return 1000
    return 10 if apart and captions > MANY_QUERIES else 100


def _named(judged: Judgement, preset: Preset) -> Judgement:
    result = judged.result
    protocol = replace(
        result.protocol,
        first_captions=preset.first_captions,
        fraction=preset.fraction,
        seed=preset.seed if preset.fraction < 1 else 0,
    )
    named = {"preset": {"title": preset.title, "source": preset.source, "recall": preset.recall}}
    details = {**result.details, **(named if preset.title else {})}
    return replace(judged, result=replace(result, protocol=protocol, details=details))
