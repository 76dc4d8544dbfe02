"""BLEU-4, ROUGE-L and CIDEr-D of written captions, with intervals over pictures."""

from collections.abc import Mapping, Sequence

import numpy as np

from mirante.captioning import METRICS, bleu, cider, rouge
from mirante.captioning.tokens import words
from mirante.errors import DataError
from mirante.evaluation.clusters import Clusters
from mirante.evaluation.intervals import SHARE, Bootstrap, interval
from mirante.evaluation.resampling import Resampled, drawn_counts, resample
from mirante.types import Estimate

_SPANS = {"bleu_4": SHARE, "rouge_l": SHARE, "cider_d": (0.0, 10.0)}


def measure(
    captions: Mapping[str, str],
    references: Mapping[str, Sequence[str]],
    *,
    language: str = "",
    resamples: int = 1000,
) -> dict[str, Estimate]:
    """Compare the caption of each picture with the picture's references.

    Args:
        captions: picture id → what was written.
        references: picture id → what is right, one or more, of every picture in `captions`.
        language: BCP 47 tag that says how texts are cut into words.
        resamples: of the intervals, 0 for none.

    Raises:
        DataError: there are no captions, or a picture has no reference.
    """
    bare = [one for one in captions if not references.get(one)]
    if not captions or bare:
        what = f"{len(bare)} pictures have no reference, first {bare[0]!r}" if bare else "There are no captions"
        raise DataError(f"{what}: give pictures that the data describes, in the language that was written.")
    own = [words(text, language) for text in captions.values()]
    told = [[words(text, language) for text in references[one]] for one in captions]
    values = {
        "rouge_l": np.array([rouge.score(*both) for both in zip(own, told, strict=True)]),
        "cider_d": cider.scores(own, told),
    }
    clusters = Clusters.of(list(captions))
    found = resample(values, clusters, resamples=resamples, seed=0)
    found["bleu_4"] = _corpus(np.array([bleu.counts(*both) for both in zip(own, told, strict=True)]), resamples)
    bootstrap = Bootstrap(resamples)
    return {name: interval(found[name], bootstrap, _SPANS[name]) for name in METRICS}


def _corpus(counts: bleu.Counts, resamples: int) -> Resampled:
    """BLEU-4 of (n, 10) counts, of each resample of the pictures, and what it owes to each picture."""
    total = counts.sum(axis=0)
    value = float(bleu.value(total))
    draws = [
        bleu.value(drawn.astype(np.float64) @ counts) for drawn in drawn_counts(len(counts), len(counts), resamples, 0)
    ]
    without = bleu.value(total - counts)
    return Resampled(value, np.concatenate([np.zeros(0), *draws]), without.mean() - without)
