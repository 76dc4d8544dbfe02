"""Saved evaluations whose hits are chosen: a caption finds its image first, or the next image instead."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from captioned_pictures import captioned

from mirante.evaluation import SavedResults, Settings, compare_all, evaluate, save_results
from mirante.types import Embeddings, Provenance

Evaluated = Callable[..., SavedResults]


@pytest.fixture
def evaluated(tmp_path: Path) -> Evaluated:
    """Saves the evaluation of models, each given as language → its hits, one 1 or 0 an image."""

    def save(
        models: Mapping[str, Mapping[str, str]],
        *,
        name: str = "photos:test",
        folder: Path | None = None,
        language: str = "",
    ) -> SavedResults:
        first = next(iter(models.values()))
        count = len(next(iter(first.values())))
        pairs = captioned(count, tuple(first), name)
        rows = np.eye(count, dtype=np.float32)
        judged = []
        for model, hits in models.items():
            images = Embeddings(tuple(one.id for one in pairs.images), rows, Provenance(model, f"of {model}", "none"))
            places = [at if hits[tag][at] == "1" else (at + 1) % count for at in range(count) for tag in first]
            texts = Embeddings(tuple(one.id for one in pairs.captions), rows[places], images.provenance)
            judged.append(evaluate(images, texts, pairs, Settings(equal_captions="as given", language=language)))
        return save_results(
            folder or tmp_path / "results",
            judged,
            environment={},
            comparisons=compare_all(one.per_query for one in judged),
            data=[(pairs, language)],
        )

    return save
