"""Run fine-tuning recipes with three seeds each and write docs/results/fine-tuning.md and .json from what they give.

    python scripts/finetuning_results.py [scenes-pt scenes-pt-lora …]

A run that is already there (runs/NAME-SEED) is not done again; recipes that are not named keep their figures.
"""

import json
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from mirante.cli.output import percent
from mirante.progress import Line, listening
from mirante.training import read_config, train
from mirante.types import Estimate

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "docs" / "results"
SEEDS = (0, 1, 2)
T_OF_2 = 4.303  # Student's t, 97.5 %, 2 degrees of freedom
METRIC = "hit_rate@1"
NAMES = {
    "scenes-pt": "Portuguese, text tower",
    "scenes-pt-lora": "Portuguese, LoRA",
    "scenes-chalk": "A drawing style never seen, image tower",
    "stamps-pt": "Tux Paint stamps in Portuguese",
}
HEAD = """# Fine-tuning

Written by `python scripts/finetuning_results.py` from the recipes in `configs/`, each with seeds 0, 1 and 2. Text to
image, {metric} in per cent, 95 % intervals by bootstrap over pictures. The mean over seeds has a 95 % interval by
Student's t with 2 degrees of freedom: it says how much the seed matters, not how much the test pictures do. Pictures of
the measured splits are seen in training by none of the recipes, and nothing is selected by them.

"""


def measure(name: str, seed: int) -> dict[str, Any]:
    """One run of a recipe."""
    config = read_config(ROOT / "configs" / f"{name}.toml")
    done = train(replace(config, seed=seed, out=str(ROOT / "runs" / f"{name}-{seed}"))).to_dict()
    line: dict[str, Any] = {key: done[key] for key in ("steps", "seconds", "parameters", "protocols")}
    for key in ("before", "after", "retain_before", "retain_after"):
        line[key] = _plain(done[key].get(METRIC))
    return {"seed": seed, **line}


def _plain(one: Estimate | None) -> dict[str, float] | None:
    return None if one is None else {"value": one.value, "low": one.low, "high": one.high}


def section(name: str, runs: list[dict[str, Any]]) -> str:
    """The table of one recipe."""
    target, retain = runs[0]["protocols"]["target"], runs[0]["protocols"].get("retain")
    data = read_config(ROOT / "configs" / f"{name}.toml").data
    trained, every = runs[0]["parameters"]["trained"], runs[0]["parameters"]["all"]
    lines = [
        f"## {NAMES.get(name, name)}: [{name}.toml](../../configs/{name}.toml)",
        "",
        f"{runs[0]['steps']} steps; {trained:,} of {every:,} parameters trained "
        f"({100 * trained / every:.1f} %). Measured on {asked(target, data.language)}"
        + (f"; retained: {asked(retain, data.retain_language)}." if retain else "."),
        "",
        "| seed | before | after | retained before | retained after | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for run in runs:
        cells = [shown(run[key]) for key in ("before", "after", "retain_before", "retain_after")]
        lines.append(f"| {run['seed']} | {' | '.join(cells)} | {run['seconds']:.0f} |")
    gains = [100 * (run["after"]["value"] - run["before"]["value"]) for run in runs]
    lines += ["", f"Gain: {spread(gains)} points."]
    if retain:
        lost = [100 * (run["retain_after"]["value"] - run["retain_before"]["value"]) for run in runs]
        lines.append(f"Change of what was to be retained: {spread(lost)} points.")
    return "\n".join(lines)


def asked(protocol: dict[str, Any], language: str | None) -> str:
    """A protocol in words."""
    told = f" in {language}" if language else ""
    return f"{protocol['data']}{told}, {protocol['queries']:,} queries in {protocol['gallery']:,} pictures"


def shown(one: dict[str, float] | None) -> str:
    """A cell."""
    return "–" if one is None else percent(Estimate(**one))


def spread(points: list[float]) -> str:
    """Mean and interval over seeds."""
    mean, half = statistics.mean(points), T_OF_2 * statistics.stdev(points) / len(points) ** 0.5
    return f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}]"


def main(names: list[str]) -> None:
    """Run, gather, write."""
    target = HOME / "fine-tuning.json"
    known: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {}
    with listening(Line()):
        for name in names or list(NAMES):
            known[name] = [measure(name, seed) for seed in SEEDS]
            target.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    parts = [section(name, known[name]) for name in NAMES if name in known]
    parts.extend(compared(known))
    (HOME / "fine-tuning.md").write_text(HEAD.format(metric=METRIC) + "\n\n".join(parts) + "\n", encoding="utf-8")


def compared(known: dict[str, Any]) -> list[str]:
    """LoRA's share of the full gain."""
    if not {"scenes-pt", "scenes-pt-lora"} <= set(known):
        return []
    gains = {
        name: [run["after"]["value"] - run["before"]["value"] for run in known[name]]
        for name in ("scenes-pt", "scenes-pt-lora")
    }
    shares = [100 * lora / full for lora, full in zip(gains["scenes-pt-lora"], gains["scenes-pt"], strict=True)]
    mean, half = statistics.mean(shares), T_OF_2 * statistics.stdev(shares) / len(shares) ** 0.5
    return [f"LoRA reaches {mean:.1f} % [{mean - half:.1f}, {mean + half:.1f}] of the gain of `scenes-pt.toml`."]


if __name__ == "__main__":
    main(sys.argv[1:])
