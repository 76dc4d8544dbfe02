"""Put a trained checkpoint into the package as the embedded model `scenes`, with its card, configuration and logs.

    python scripts/embed_model.py runs/scenes-en-1 runs/scenes-en

The runs are the parts of its training in order; the last one's checkpoint is taken, in fp16. Every figure of the card
is measured here, on the fp16 weights, and also written to figures.json beside it.
"""

import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mirante.cli.output import percent
from mirante.datasets.scenes import SceneDataset
from mirante.embeddings import embed_pairs
from mirante.encoders import load
from mirante.evaluation import Settings, evaluate
from mirante.evaluation.probes import probe
from mirante.types import DIRECTIONS, Encoder, Estimate, Pairs

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "src" / "mirante" / "embedded" / "scenes"
SHOWN = ("hit_rate@1", "hit_rate@5", "recall@5", "mrr")
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


def row(line: dict[str, Any]) -> str:
    """One row of the card's first table."""
    protocol, shares = line["protocol"], [percent(Estimate(**line["metrics"][name])) for name in SHOWN]
    asked = f"{protocol['queries']:,} in {protocol['gallery']:,}"
    return f"| {' | '.join([line['set'], line['direction'].replace('_', ' '), asked, *shares])} |"


def card(figures: dict[str, Any], parts: list[str]) -> str:
    """The card in Markdown."""
    rows = [
        f"| {line['set']} | {line['direction'].replace('_', ' ')} | {line['protocol']['queries']:,} in "
        f"{line['protocol']['gallery']:,} | "
        + " | ".join(percent(Estimate(**line["metrics"][m])) for m in SHOWN)
        + " |"
        for line in figures["retrieval"]
    ]
    probes = [
        f"| {name} | {percent(Estimate(**one['right']))} | {100 * one['chance']:.1f} % | {one['questions']:,} |"
        for name, one in figures["probes"].items()
    ]
    size = f"{figures['parameters']:,} parameters, {figures['megabytes']:.1f} MB in fp16"
    runs = "\n".join(f"- [{name}.toml]({name}.toml), its log [{name}.jsonl]({name}.jsonl)" for name in parts)
    return f"""# The embedded model `scenes`

A dual encoder in the format of SigLIP (transformers), {size}: a ViT of
6 layers and width 128 on 72 × 72 pixels with patches of 12, a text tower of 2 layers with a tokenizer of its own, which
knows the words of both languages. It was trained from nothing by `mirante train` on the procedural pictures of
`scenes`, in **English only**; Portuguese words are in its tokenizer and not in its weights.

It is for demonstrations, tests and benchmarks. It knows drawn scenes and nothing else.

## How it was made

{runs}

On two processor cores, seed as in the files; [runs.json](runs.json) has versions and commits. Then
`python scripts/embed_model.py {" ".join("runs/" + name for name in parts)}` wrote this card.

## Retrieval

Captions that are true of several pictures count all of them as right. Intervals: 95 %, bootstrap over pictures.

| set | direction | queries in gallery | hit rate@1 | hit rate@5 | recall@5 | MRR |
|---|---|---|---|---|---|---|
{chr(10).join(rows)}

## Probes

One question at a time on scenes that no training split holds, in English (`mirante probe scenes`). Forced choices among
all values of one attribute; minimal pairs as in Winoground, where the group score asks for both texts and both pictures
to be told apart. Intervals: 95 %.

| probe | right | chance | questions |
|---|---|---|---|
{chr(10).join(probes)}

## Licence

Apache-2.0, as the pictures and the code that made it.
"""


def main(runs: list[Path]) -> None:
    """Copy, measure, write."""
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
    (HOME / "README.md").write_text(card(figures, [run.name for run in runs]), encoding="utf-8")
    print((HOME / "README.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main([Path(one) for one in sys.argv[1:]])
