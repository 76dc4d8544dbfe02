"""Hold estimates against runs of seven kinds; write docs/results/estimates*.md and .json.

    python scripts/estimate_results.py [embedded lora …]
    python scripts/estimate_results.py --pages | --check

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
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from _pages import paragraph
from _saved import add_options, head, numbers, settle, twins
from mirante import environment
from mirante.training import TrainConfig, read_config
from mirante.training.config import Data, LossTerm, Memory, Model, NewModel

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "docs" / "results"
SAVED = HOME / "estimates.json"
NAMES = ("embedded", "lora", "clip", "siglip", "micro", "checkpointing", "captions")
MEASURED = ("memory", "seconds", "processor")
ALLOWED = 0.25
SHAPE = NewModel(image_size=64, patch_size=8, width=192, image_depth=6, text_depth=3, head_width=32, text_length=32)
RECIPES = {"embedded": "scenes-pt.toml", "lora": "scenes-pt-lora.toml", "captions": "scenes-caption-pt.toml"}
COMMAND = "python scripts/estimate_results.py"
WORDS = {
    "en": {
        "title": "Estimates held against runs",
        "names": {
            "embedded": "The embedded model learns Portuguese, text tower (scenes-pt.toml)",
            "lora": "The same with adapters (scenes-pt-lora.toml)",
            "clip": "CLIP ViT-B/32, all weights, batches of 8",
            "siglip": "A SigLIP shape, 192 wide, all weights, batches of 64",
            "micro": "The same in pieces of 16",
            "checkpointing": "The same, activations computed twice",
            "captions": "A captioner learns Portuguese (scenes-caption-pt.toml)",
        },
        "head": """Written by `{command}`. Each configuration is estimated first (with its trial of a few steps, and by
            arithmetic alone), then run in a process of its own. Memory is the most resident memory of the process; time
            is that of the training loop. An estimate counts as good within {allowed:.0f} %. Arithmetic alone knows
            nothing of the speed of a machine but that of its matrix products, which is why a trial is made.""",
        "columns": "run | trained | memory told | measured | off | arithmetic alone | seconds told | measured | off | "
        "of the processor told | measured | off | arithmetic alone",
        "made": "Made by `{command}`.",
        "worst": "Farthest off: {said}. {cores} processor cores, torch ",
        "memory": "memory",
        "seconds": "seconds",
        "processor": "processor",
    },
    "pt": {
        "title": "Estimativas ao lado de execuções",
        "names": {
            "embedded": "O modelo embutido aprende português, torre de texto (scenes-pt.toml)",
            "lora": "O mesmo com adaptadores (scenes-pt-lora.toml)",
            "clip": "CLIP ViT-B/32, todos os pesos, lotes de 8",
            "siglip": "Uma forma de SigLIP, largura 192, todos os pesos, lotes de 64",
            "micro": "A mesma em pedaços de 16",
            "checkpointing": "A mesma, ativações calculadas duas vezes",
            "captions": "Um modelo de legendas aprende português (scenes-caption-pt.toml)",
        },
        "head": """Escrito por `{command}`. Cada configuração é primeiro estimada (com seu ensaio de poucos passos, e só
            por aritmética) e depois executada num processo próprio. A memória é a maior memória residente do processo;
            o tempo é o do laço de treino. Uma estimativa é boa quando erra no máximo {allowed:.0f} %. A aritmética
            sozinha nada sabe da velocidade de uma máquina além da de seus produtos de matrizes; por isso se faz um
            ensaio.""",
        "columns": "execução | treinados | memória prevista | medida | erro | só aritmética | segundos previstos | "
        "medidos | erro | do processador previstos | medidos | erro | só aritmética",
        "made": "Feito por `{command}`.",
        "worst": "O maior erro: {said}. {cores} núcleos de processador, torch ",
        "memory": "memória",
        "seconds": "segundos",
        "processor": "processador",
    },
}


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


def page(known: dict[str, Any], lang: str) -> str:
    """The table of all cases, in Markdown."""
    words = WORDS[lang]
    rows = [row(words["names"][name], one) for name, one in known["cases"].items()]
    table = [f"| {words['columns']} |", "|" + "---|" * 13, *(numbers(one, lang) for one in rows)]
    worst = {key: max(abs(off(one[key])) for one in known["cases"].values()) for key in MEASURED}
    said = ", ".join(f"{words[key]} {100 * value:.0f} %" for key, value in worst.items())
    machine = known["environment"]
    parts = [
        head(words["title"], "estimates", lang).rstrip(),
        paragraph(words["head"].format(command=COMMAND, allowed=100 * ALLOWED)),
        "\n".join(table),
        words["made"].format(command=COMMAND),
        words["worst"].format(said=said, cores=machine["processors"]) + f"{machine['versions']['torch']}.",
    ]
    return "\n\n".join(parts) + "\n"


def row(name: str, one: dict[str, Any]) -> str:
    """The line of one case."""
    memory, clock, busy = (one[key] for key in MEASURED)
    cells = [name, f"{one['parameters']['trained']:,}"]
    cells += [f"{memory[key] / 1e9:.2f} GB" for key in ("told", "measured")]
    cells += [f"{100 * off(memory):+.0f} %", f"{100 * off(memory, 'alone'):+.0f} %"]
    cells += [f"{clock[key]:.1f}" for key in ("told", "measured")]
    cells += [f"{100 * off(clock):+.0f} %"]
    cells += [f"{busy[key]:.1f}" for key in ("told", "measured")]
    cells += [f"{100 * off(busy):+.0f} %", f"{100 * off(clock, 'alone'):+.0f} %"]
    return f"| {' | '.join(cells)} |"


def saved() -> dict[str, Any]:
    """Figures of earlier runs."""
    return json.loads(SAVED.read_text(encoding="utf-8")) if SAVED.is_file() else {"cases": {}}


def gather(names: Sequence[str]) -> None:
    """Estimate and run, and save each case as it comes."""
    known = saved()
    for name in names:
        known["cases"][name] = compare(name)
        known["environment"] = environment.describe()
        print(name, {key: f"{100 * off(known['cases'][name][key]):+.0f} %" for key in MEASURED})
        SAVED.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Estimate, run, write; or only write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES])
    parser.add_argument("--measure", choices=NAMES)
    parser.add_argument("--folder", type=Path)
    add_options(parser)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure, asked.folder)))
        return 0
    if not (asked.pages or asked.check):
        gather(asked.names or NAMES)
    known = saved()
    known["cases"] = {name: known["cases"][name] for name in NAMES if name in known["cases"]}
    pages = {path: page(known, lang) for lang, path in twins(HOME, "estimates").items()}
    return settle(pages, check=asked.check, script=Path(__file__).name)


if __name__ == "__main__":
    sys.exit(main())
