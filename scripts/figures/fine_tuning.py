"""The figures of the chapter on fine-tuning, from a run of that chapter: learning step by step, before and after.

python scripts/figures/fine_tuning.py [FOLDER]    runs the chapter (or takes what a run left in
                                                      FOLDER), saves its figures and draws
python scripts/figures/fine_tuning.py --saved     draws what was saved
"""

import json
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from _drawn import BLUE, GREY, ORANGE, decimal, write
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[2]
SAVED = ROOT / "docs" / "results" / "guide-fine-tuning.json"
METRIC = "hit_rate@1"


def measure(folder: Path) -> None:
    """Run the chapter in `folder`, unless it ran there already, and save what its figures need."""
    if not all((folder / "runs" / side / "report.html").is_file() for side in ("pt", "en")):
        sys.path.insert(0, str(ROOT / "scripts"))
        from chapters import run

        run(ROOT / "docs" / "guide" / "fine-tuning.md", folder)
    lines = (folder / "portuguese" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    log = [json.loads(line) for line in lines]
    before = json.loads((folder / "portuguese" / "before.json").read_text(encoding="utf-8"))
    start = {side: before[key]["metrics"][METRIC]["value"] for side, key in (("pt", "target"), ("en", "retain"))}
    bars = {side: _bars(folder / "runs" / side / "results.json") for side in ("pt", "en")}
    found = {
        "loss": [[one["step"], one["loss"]] for one in log if "loss" in one],
        "pt": [[0, start["pt"]], *([one["step"], one[METRIC]] for one in log if METRIC in one)],
        "en": [[0, start["en"]], *([one["step"], one[f"retain {METRIC}"]] for one in log if METRIC in one)],
        "bars": bars,
    }
    SAVED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(bars))


def _bars(path: Path) -> list[dict[str, float]]:
    """Value and interval of the start and of the fine-tune."""
    results = json.loads(path.read_text(encoding="utf-8"))["results"]
    told = [one for one in results if one["direction"] == "text_to_image"]
    return [one["metrics"][METRIC] for one in sorted(told, key=lambda one: one["model"] != "scenes")]


@cache
def saved() -> dict[str, Any]:
    """What was measured last."""
    known: dict[str, Any] = json.loads(SAVED.read_text(encoding="utf-8"))
    return known


def curve(lang: str) -> Figure:
    """Loss above, hit rates below, by step."""
    words = {
        "en": ("training loss (log scale)", "hit rate@1, per cent", "step", "Portuguese", "English (retained)"),
        "pt-BR": ("perda no treino (escala log)", "hit rate@1, por cento", "passo", "português", "inglês (retido)"),
    }[lang]
    known = saved()
    figure, (above, below) = plt.subplots(1, 2, figsize=(9.0, 3.6))
    above.plot(*zip(*known["loss"], strict=True), color=GREY, linewidth=2)
    above.set_yscale("log")
    above.yaxis.set_major_formatter(lambda value, _: decimal(value, 0 if value >= 1 else 1, lang))
    above.set(xlabel=words[2], ylabel=words[0], xlim=(0, None))
    for key, colour, line, label in (("en", BLUE, "s--", words[4]), ("pt", ORANGE, "o-", words[3])):
        steps, values = zip(*known[key], strict=True)
        below.plot(steps, [100 * one for one in values], line, color=colour, linewidth=2, label=label)
    below.set(xlabel=words[2], ylabel=words[1], ylim=(0, 105), xlim=(-3, None))
    below.legend(frameon=False, loc="lower right")
    figure.tight_layout()
    return figure


def bars(lang: str) -> Figure:
    """Before and after in both languages, with 95 % intervals."""
    words = {
        "en": (("Portuguese", "English"), ("before", "after"), "hit rate@1, per cent"),
        "pt-BR": (("português", "inglês"), ("antes", "depois"), "hit rate@1, por cento"),
    }[lang]
    figure, axis = plt.subplots(figsize=(6.6, 3.6))
    for at, (side, place) in enumerate((side, place) for side in ("pt", "en") for place in (0, 1)):
        one = saved()["bars"][side][place]
        value, low, high = (100 * one[key] for key in ("value", "low", "high"))
        x = at + 0.5 * (at > 1)
        axis.bar(x, value, 0.85, color=(GREY, ORANGE)[place], label=words[1][place] if at < 2 else None)
        axis.errorbar(x, value, [[value - low], [high - value]], color="black", capsize=5, linewidth=1.5)
        axis.annotate(decimal(value, 1, lang), (x, high), (0, 4), textcoords="offset points", ha="center")
    axis.set_xticks([0.5, 3.0], words[0])
    axis.set(ylabel=words[2], ylim=(0, 112), yticks=range(0, 101, 20))
    axis.legend(frameon=False, loc="upper left")
    axis.grid(visible=False, axis="x")
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    if "--saved" not in sys.argv:
        with tempfile.TemporaryDirectory() as empty:
            given = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(empty)
            given.mkdir(parents=True, exist_ok=True)
            measure(given)
    write("fine-tuning-curve", curve)
    write("fine-tuning-bars", bars)
