"""The demonstration: the embedded model in English, lost in Portuguese, taught in a minute, shown on a page."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from PIL.Image import Image

from mirante import embeddings, encoders, pipeline
from mirante.datasets import ReadOptions, open_dataset
from mirante.errors import StoreError
from mirante.search import Hit
from mirante.training import TrainConfig, read_config, train
from mirante.types import Estimate, Result

DATA = "scenes:test"
MODEL = "scenes"
LANGUAGES = {"en": "en", "pt": "pt-BR"}
METRICS = ("hit_rate@1", "hit_rate@5", "hit_rate@10", "recall@1", "recall@5", "recall@10", "mrr", "ndcg@10", "map")


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration measured, text to image on unseen scenes.

    Args:
        before: language → metric → estimate, of the embedded model.
        after: the same of the model that learnt Portuguese.
        seconds: wall time of all of it.
        out: folder with the report, the new checkpoint and the gallery.
    """

    before: Mapping[str, Mapping[str, Estimate]]
    after: Mapping[str, Mapping[str, Estimate]]
    seconds: float
    out: Path

    @property
    def checkpoint(self) -> Path:
        """The model that learnt Portuguese."""
        return self.out / "training" / "checkpoint"

    @property
    def gallery(self) -> Path:
        """The index of that model, which the page searches."""
        return self.out / "gallery"

    @property
    def gallery_before(self) -> Path:
        """The index of the model as it was, which the page compares."""
        return self.out / "before" / "gallery"

    def to_dict(self) -> dict[str, Any]:
        """The document of `mirante demo --json`."""
        return {
            "schema": 1,
            "before": self.before,
            "after": self.after,
            "seconds": self.seconds,
            "out": str(self.out),
        }


def run(out: Path, report_language: str | None = None) -> Demonstration:
    """Fine-tune, evaluate before and after in both languages, draw the report, build the page's gallery."""
    start = time.monotonic()
    checkpoint = str(train(replace(_recipe(), out=str(out / "training"))).checkpoint)
    sources = tuple(pipeline.Source(DATA, ReadOptions(language=language)) for language in LANGUAGES.values())
    results = pipeline.run(pipeline.Job(sources, (MODEL, checkpoint), out, report_language))
    _index(out, checkpoint)
    _index(out / "before", MODEL)
    before, after = (
        {name: _metrics(results, model, language) for name, language in LANGUAGES.items()}
        for model in (MODEL, checkpoint)
    )
    return Demonstration(before, after, time.monotonic() - start, out)


def pictures() -> Callable[[Hit], Image | None]:
    """Pixels of a hit of the page's gallery."""
    known = {item.picture.id: item.picture for item in open_dataset(DATA).items("test", "en")}
    return lambda hit: known[hit.id].load() if hit.id in known else None


def _recipe() -> TrainConfig:
    with as_file(files("mirante") / "embedded" / "scenes-pt.toml") as path:
        return read_config(path)


def _metrics(results: Sequence[Result], model: str, language: str) -> Mapping[str, Estimate]:
    for result in results:
        protocol = result.protocol
        if (result.model, protocol.language, protocol.direction) == (model, language, "text_to_image"):
            return {name: result.metrics[name] for name in METRICS}
    raise StoreError(
        f"No result of {model!r} in {language!r}: delete the folder of the demonstration and run it again."
    )


def _index(out: Path, model: str) -> None:
    settings = embeddings.Settings(texts=False)
    embeddings.embed(open_dataset(DATA), encoders.load(model), out / "vectors", settings)
    pipeline.index(out / "vectors", "exact", out / "gallery")
