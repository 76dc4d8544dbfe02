"""Hold estimates against runs of seven kinds; write docs/results/estimates.md and .json.

    python scripts/estimate_results.py [embedded lora …]

Each run is a process of its own, so that its peak of memory is its own. Cases that are not named keep their figures.
Run it on an idle machine: a neighbour that takes the processor makes both times wrong, each in its own way. Seconds of
the processor are written beside those of the clock, since they hold where others work too.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from mirante import environment
from mirante.training import TrainConfig, read_config
from mirante.training.config import Data, LossTerm, Memory, Model, NewModel

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "docs" / "results"
ALLOWED = 0.25
SHAPE = NewModel(image_size=64, patch_size=8, width=192, image_depth=6, text_depth=3, head_width=32, text_length=32)
NAMES = {
    "embedded": "The embedded model learns Portuguese, text tower (scenes-pt.toml)",
    "lora": "The same with adapters (scenes-pt-lora.toml)",
    "clip": "CLIP ViT-B/32, all weights, batches of 8",
    "siglip": "A SigLIP shape, 192 wide, all weights, batches of 64",
    "micro": "The same in pieces of 16",
    "checkpointing": "The same, activations computed twice",
    "captions": "A captioner learns Portuguese (scenes-caption-pt.toml)",
}
RECIPES = {"embedded": "scenes-pt.toml", "lora": "scenes-pt-lora.toml", "captions": "scenes-caption-pt.toml"}
HEAD = """# Estimates held against runs

Written by `python scripts/estimate_results.py`. Each configuration is estimated first (with its trial of a few steps,
and by arithmetic alone), then run in a process of its own. Memory is the most resident memory of the process; time is
that of the training loop. An estimate counts as good within {allowed:.0f} %. Arithmetic alone knows nothing of the
speed of a machine but that of its matrix products, which is why a trial is made.

"""


def config(name: str, folder: Path) -> TrainConfig:
    """The run of a case, short."""
    if name in RECIPES:
        recipe = read_config(ROOT / "configs" / RECIPES[name])
        data = replace(recipe.data, validation=None, retain=None, address="scenes:train-600")
        return replace(recipe, out=str(folder / "run"), data=data, steps=12 if name == "captions" else 24)
    data = Data("scenes:train-256", language="en")
    plain = {"out": str(folder / "run"), "data": data, "learning_rate": 1e-5, "warmup": 0}
    if name == "clip":
        return TrainConfig(model=Model(start=clip(folder / "clip")), batch=8, steps=8, **plain)
    memory = {"micro": Memory(micro=16), "checkpointing": Memory(checkpointing=True)}.get(name, Memory())
    losses = (LossTerm("sigmoid"),)
    return TrainConfig(model=Model(new=SHAPE), batch=64, steps=12, memory=memory, losses=losses, **plain)


def clip(folder: Path) -> str:
    """A CLIP of the shape of ViT-B/32 with random weights."""
    import torch
    import transformers

    from mirante.encoders import _tiny
    from mirante.encoders._checkpoint import quiet

    if not (folder / "config.json").is_file():
        torch.manual_seed(0)
        with quiet():
            _tiny.clip(folder)
            transformers.CLIPModel(transformers.CLIPConfig()).save_pretrained(folder)
            transformers.CLIPImageProcessorPil().save_pretrained(folder)
    return str(folder)


def measure(name: str, folder: Path) -> dict[str, float]:
    """Run a case in this process: seconds of the loop by the clock and the processor, bytes at most, hours in all."""
    from mirante.training import loop, train

    taken, run = {}, loop.run

    def timed(*given: Any, **more: Any) -> Any:
        clock, busy = time.monotonic(), time.process_time()
        done = run(*given, **more)  # with the state that it writes at its end
        taken.update(seconds=time.monotonic() - clock, processor=time.process_time() - busy)
        return done

    loop.run = timed  # type: ignore[assignment]
    done = train(config(name, folder))
    return {**taken, "steps": done.steps, **done.cost}


def compare(name: str) -> dict[str, Any]:
    """One case, estimated and run."""
    from mirante.cost import estimate

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        recipe = config(name, folder)
        alone, told = estimate(recipe, probe=False), estimate(recipe)
        shutil.rmtree(folder / "run", ignore_errors=True)
        command = [sys.executable, __file__, "--measure", name, "--folder", made]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise SystemExit(answer.stderr)
        found = json.loads(answer.stdout.strip().splitlines()[-1])
    trial = told.trial
    if trial is None:
        raise SystemExit(f"{name}: no trial was made")
    return {
        "parameters": asdict(told.parameters),
        "memory": {"alone": alone.memory.peak, "told": told.memory.peak, "measured": found["peak_bytes"]},
        "seconds": {
            "alone": alone.seconds["training"],
            "told": told.seconds["training"],
            "measured": found["seconds"],
        },
        "processor": {
            "told": trial.processor / trial.seconds * told.seconds["training"],
            "measured": found["processor"],
        },
        "hours": {"told": told.hours, "measured": found["hours"]},
        "steps": found["steps"],
        "trial": asdict(trial),
    }


def off(one: dict[str, float], key: str = "told") -> float:
    """How far an estimate is from what was measured, as a share of it."""
    return one[key] / one["measured"] - 1


def page(known: dict[str, Any]) -> str:
    """The table of all cases."""
    lines = [
        "| run | trained | memory told | measured | off | arithmetic alone | seconds told | measured | off | of the "
        "processor told | measured | off | arithmetic alone |",
        "|" + "---|" * 13,
    ]
    for name, one in known["cases"].items():
        memory, clock, busy = one["memory"], one["seconds"], one["processor"]
        cells = [NAMES[name], f"{one['parameters']['trained']:,}"]
        cells += [f"{memory[key] / 1e9:.2f} GB" for key in ("told", "measured")]
        cells += [f"{100 * off(memory):+.0f} %", f"{100 * off(memory, 'alone'):+.0f} %"]
        cells += [f"{clock[key]:.1f}" for key in ("told", "measured")]
        cells += [f"{100 * off(clock):+.0f} %"]
        cells += [f"{busy[key]:.1f}" for key in ("told", "measured")]
        cells += [f"{100 * off(busy):+.0f} %", f"{100 * off(clock, 'alone'):+.0f} %"]
        lines.append(f"| {' | '.join(cells)} |")
    worst = {
        key: max(abs(off(one[key])) for one in known["cases"].values()) for key in ("memory", "seconds", "processor")
    }
    said = ", ".join(f"{key} {100 * value:.0f} %" for key, value in worst.items())
    machine = known["environment"]
    lines += [
        "",
        f"Farthest off: {said}. {machine['processors']} processor cores, torch {machine['versions']['torch']}.",
    ]
    return "\n".join(lines)


def main() -> None:
    """Estimate, run, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES])
    parser.add_argument("--measure", choices=list(NAMES))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked.folder)))
        return
    target = HOME / "estimates.json"
    known: dict[str, Any] = json.loads(target.read_text(encoding="utf-8")) if target.is_file() else {"cases": {}}
    for name in asked.names or list(NAMES):
        known["cases"][name] = compare(name)
        known["environment"] = environment.describe()
        print(
            name, {key: f"{100 * off(known['cases'][name][key]):+.0f} %" for key in ("memory", "seconds", "processor")}
        )
        target.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    known["cases"] = {name: known["cases"][name] for name in NAMES if name in known["cases"]}
    (HOME / "estimates.md").write_text(HEAD.format(allowed=100 * ALLOWED) + page(known) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
