"""Put a trained checkpoint into the package as the embedded model `scenes`, with its card, configuration and logs.

    python scripts/embed_model.py runs/scenes-en-1 runs/scenes-en
    python scripts/embed_model.py --card | --check

The runs are the parts of its training in order; the last one's checkpoint is taken, in fp16. Every figure of the card
is measured here, on the fp16 weights, and saved in figures.json beside it, from which `--card` writes the cards again:
the one in the package, and the ones on the site in both languages.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from _model_card import SHOWN, on_site, packaged
from _saved import add_options, settle, twins
from mirante.datasets.scenes import SceneDataset
from mirante.embeddings import embed_pairs
from mirante.encoders import load
from mirante.evaluation import Settings, evaluate
from mirante.evaluation.probes import probe
from mirante.types import DIRECTIONS, Encoder, Pairs

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "src" / "mirante" / "embedded" / "scenes"
SITE = ROOT / "docs" / "cards"
SETS = (
    ("unseen scenes, full captions", "test", "en", True),
    ("unseen scenes, full and partial captions", "test", "en", False),
    ("the same in Portuguese, never seen", "test", "pt", False),
    ("a drawing style never seen (mosaic), full captions", "mosaic", "en", True),
    ("minimal pairs as the gallery, full captions", "hard", "en", True),
)


def only_full(pairs: Pairs) -> Pairs:
    """The first caption of each picture says everything that the grammar can say."""
    kept = tuple(caption for caption in pairs.captions if caption.id.endswith("0"))
    return replace(pairs, captions=kept, relevance={one.id: pairs.relevance[one.id] for one in kept})


def retrieval(encoder: Encoder) -> list[dict[str, Any]]:
    """Both directions on every set of `SETS`."""
    lines = []
    for name, split, language, full in SETS:
        pairs = SceneDataset().pairs(split, language)
        pairs = only_full(pairs) if full else pairs
        images, texts, _ = embed_pairs(pairs, encoder)
        for direction in DIRECTIONS:
            result = evaluate(images, texts, pairs, Settings(direction=direction)).result
            metrics = {metric: asdict(result.metrics[metric]) for metric in SHOWN}
            lines.append({"set": name, "direction": direction, "protocol": asdict(result.protocol), "metrics": metrics})
    return lines


def measure(runs: Sequence[Path]) -> None:
    """Copy the checkpoint with its recipes and logs, measure it, and save the figures."""
    load(str(runs[-1] / "checkpoint")).save(HOME, half=True)  # type: ignore[attr-defined]
    encoder = load("scenes")
    figures = {
        "parameters": sum(one.numel() for one in encoder.module.parameters()),  # type: ignore[attr-defined]
        "megabytes": (HOME / "model.safetensors").stat().st_size / 1e6,
        "retrieval": retrieval(encoder),
        "probes": {name: asdict(score) for name, score in probe(encoder).items()},
    }
    for run in runs:
        shutil.copy(ROOT / "configs" / f"{run.name}.toml", HOME / f"{run.name}.toml")
        shutil.copy(run / "log.jsonl", HOME / f"{run.name}.jsonl")
    made = {run.name: json.loads((run / "run.json").read_text(encoding="utf-8")) for run in runs}
    (HOME / "runs.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    (HOME / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def cards() -> dict[Path, str]:
    """Every card, from what was saved."""
    figures = json.loads((HOME / "figures.json").read_text(encoding="utf-8"))
    parts = tuple(json.loads((HOME / "runs.json").read_text(encoding="utf-8")))
    pages = {path: on_site(figures, parts, lang) for lang, path in twins(SITE, "model").items()}
    return {HOME / "README.md": packaged(figures, parts), **pages}


def main() -> int:
    """Copy, measure, write; or only write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path)
    add_options(parser, "--card")
    asked = parser.parse_args()
    if not (asked.card or asked.check or asked.runs):
        parser.error("give the runs whose last checkpoint is to be embedded, or --card, or --check")
    if not (asked.card or asked.check):
        measure(asked.runs)
    return settle(cards(), check=asked.check, script=Path(__file__).name, option="--card")


if __name__ == "__main__":
    sys.exit(main())
