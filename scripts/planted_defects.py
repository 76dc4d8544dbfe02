"""Plant defects in drawn data and see which of them `mirante inspect` finds; write docs/results/planted-defects*.md.

    python scripts/planted_defects.py [--pages | --check]

Each seed draws scenes that no split holds, 500 to learn from and 300 to measure, as a folder of PNG files with one
English caption each, and spoils it. The product then reads the folder as anybody's. About five minutes of one core.
"""

import argparse
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from _saved import add_options, head, numbers, settle, twins
from mirante.classification.shares import share
from mirante.datasets import open_dataset
from mirante.datasets.scenes import claims, grammar
from mirante.datasets.scenes.drawing import draw
from mirante.datasets.scenes.world import TRAINING_STYLES, Scene, sample
from mirante.diagnosis.examine import Examination, examine
from mirante.embeddings import embed_pairs
from mirante.encoders import load
from mirante.types import Embeddings, Encoder, Pairs

HOME = Path(__file__).resolve().parents[1] / "docs" / "results"
SAVED = HOME / "planted-defects.json"
SEEDS = (101, 102, 103, 104, 105)
LEARNT, MEASURED = 500, 300
SIDE = 128
SHARES = {"swapped": 0.05, "repeated": 0.05, "listed": 0.05, "foreign": 0.05}
LEAKED = 0.10
SAYINGS = ("a picture", "untitled", "image from the collection")
COMMAND = "python scripts/planted_defects.py"
NAMES = {
    "en": {
        "swapped": "swapped captions",
        "leaked": "leaked test pictures",
        "repeated": "repeated captions",
        "listed": "list captions",
        "foreign": "Portuguese among English",
    },
    "pt": {
        "swapped": "legendas trocadas",
        "leaked": "imagens de teste vazadas",
        "repeated": "legendas repetidas",
        "listed": "legendas que são listas",
        "foreign": "português entre inglês",
    },
}


@dataclass
class Row:
    """One picture and its cell of text; `defects` name what was done to it."""

    file: str
    scene: Scene
    text: str
    defects: set[str] = field(default_factory=set)


def plant(folder: Path, seed: int, learnt: int = LEARNT, measured: int = MEASURED) -> list[Row]:
    """Draw a data set into `folder`, spoil it, and say what was spoilt."""
    dice = np.random.default_rng((777, seed))
    rows = []
    for number in range(learnt + measured):
        split = "train" if number < learnt else "test"
        scene = sample(np.random.default_rng((seed, 9_000, number)), TRAINING_STYLES)
        text = grammar.say(claims.full(scene), "en", grammar.wording(dice))
        rows.append(Row(f"{split}/{number:05d}.png", scene, text))
    spoil_texts(rows, dice)
    leak(rows, learnt, dice)
    for row in rows:
        path = folder / row.file
        path.parent.mkdir(parents=True, exist_ok=True)
        image = draw(row.scene, SIDE)
        path.write_bytes(recoded(image, dice) if "leaked" in row.defects else png(image))
    lines = (json.dumps({"file_name": row.file, "text": row.text}, ensure_ascii=False) for row in rows)
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return rows


def spoil_texts(rows: Sequence[Row], dice: np.random.Generator) -> None:
    """Swap, repeat, list and translate captions, each of rows of their own."""
    order = iter(dice.permutation(len(rows)).tolist())
    chosen = {name: [rows[next(order)] for _ in range(round(part * len(rows)))] for name, part in SHARES.items()}
    for name, group in chosen.items():
        for row in group:
            row.defects.add(name)
    swapped = [row.text for row in chosen["swapped"]]
    for row, text in zip(chosen["swapped"], swapped[1:] + swapped[:1], strict=True):
        row.text = text
    for row in chosen["repeated"]:
        row.text = SAYINGS[int(dice.integers(len(SAYINGS)))]
    for row in chosen["listed"]:
        row.text = str([row.text, grammar.say(claims.partial(row.scene, dice), "en")])
    for row in chosen["foreign"]:
        row.text = grammar.say(claims.full(row.scene), "pt-BR", grammar.wording(dice))


def leak(rows: Sequence[Row], learnt: int, dice: np.random.Generator) -> None:
    """Make some measured pictures copies of learnt ones, with captions that are right for them."""
    measured = [row for row in rows[learnt:] if not row.defects]
    for row in (measured[at] for at in dice.permutation(len(measured))[: round(LEAKED * (len(rows) - learnt))]):
        row.scene = rows[int(dice.integers(learnt))].scene
        row.text = grammar.say(claims.full(row.scene), "en", grammar.wording(dice))
        row.file = row.file.replace(".png", ".jpg")
        row.defects.add("leaked")


def recoded(image: Image.Image, dice: np.random.Generator) -> bytes:
    """A JPEG of quality 40 to 90 of 95 % of each side, cropped anywhere, in half of the cases scaled back up."""
    cut = round(0.05 * SIDE)
    left, top = (int(dice.integers(cut + 1)) for _ in range(2))
    part = image.crop((left, top, left + SIDE - cut, top + SIDE - cut))
    if dice.random() < 0.5:
        part = part.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    part.save(file, "JPEG", quality=int(dice.integers(40, 91)))
    return file.getvalue()


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def found_in(examined: Examination) -> dict[str, set[str]]:
    """Defect → files that the product names for it."""
    diagnosis = examined.diagnosis
    named: dict[str, Iterable[str]] = {
        "swapped": diagnosis.doubts,
        "repeated": (one for same in diagnosis.repeated for one in same.captions),
        "listed": (one.caption for one in diagnosis.listed),
        "foreign": (one.caption for one in diagnosis.foreign),
        "leaked": (second for leaked in examined.near_leaks for _, second in leaked.pairs),
    }
    return {name: {one.rpartition("#")[0] or one for one in ids} for name, ids in named.items()}


def examined(folder: Path, encoder: Encoder) -> Examination:
    """What `mirante inspect FOLDER --model scenes` finds."""

    def vectors(pairs: Pairs) -> tuple[Embeddings, Embeddings]:
        return embed_pairs(pairs, encoder)[:2]

    return examine(open_dataset(str(folder)), vectors=vectors)


def tally(rows: Sequence[Row], found: dict[str, set[str]]) -> dict[str, dict[str, int]]:
    """Defect → planted, found of them; sound, named of them. Leaks are sought among measured pictures only."""
    counts = {}
    for name, files in found.items():
        asked = [row for row in rows if name != "leaked" or row.file.startswith("test/")]
        bad, good = ([row for row in asked if (name in row.defects) == is_bad] for is_bad in (True, False))
        counts[name] = {
            "planted": len(bad),
            "found": sum(row.file in files for row in bad),
            "sound": len(good),
            "alarms": sum(row.file in files for row in good),
        }
    return counts


def page(runs: Sequence[dict[str, Any]], lang: str) -> str:
    """The results as Markdown."""
    names, words = NAMES[lang], WORDS[lang]
    seeds = ", ".join(str(run["seed"]) for run in runs)
    made = words["made"].format(command=COMMAND)
    lines = [head(words["title"], "planted-defects", lang)]
    lines.append(words["head"].format(command=COMMAND, seeds=seeds, learnt=LEARNT, measured=MEASURED))
    lines += [f"| {words['columns']} |", "|---|---|---|---|---|"]
    for name, told in names.items():
        sums = {key: sum(run["defects"][name][key] for run in runs) for key in ("planted", "found", "sound", "alarms")}
        cells = written(sums["found"], sums["planted"]), written(sums["alarms"], sums["sound"])
        line = f"| {told} | {sums['planted']:,} | {cells[0]} | {sums['sound']:,} | {cells[1]} |"
        lines.append(numbers(line, lang))
    lines += ["", made, "", words["each"], ""]
    lines += [f"| {words['seed']} | {' | '.join(names.values())} |", "|---" * (len(names) + 1) + "|"]
    for run in runs:
        each = (run["defects"][name] for name in names)
        cells_of = (f"{one['found']}/{one['planted']} ({one['alarms']})" for one in each)
        lines.append(f"| {run['seed']} | {' | '.join(cells_of)} |")
    return "\n".join([*lines, "", made]) + "\n"


def written(count: int, of: int) -> str:
    """A share in per cent with its interval."""
    one = share(count, of)
    return f"{100 * one.value:.1f} % [{100 * one.low:.1f}, {100 * one.high:.1f}]"


WORDS = {
    "en": {
        "title": "Planted defects",
        "columns": "defect | planted | found | sound | false alarms",
        "each": "Seed by seed, found of planted (false alarms):",
        "seed": "seed",
        "made": "Made by `{command}`.",
        "head": """Written by `{command}`. Seeds {seeds}: each draws {learnt} + {measured} scenes that no split
holds, as folders `train` and `test` of PNG files with one English caption each, and spoils rows of their own:

- 5 % of the captions are exchanged among each other;
- 10 % of the test pictures become copies of training pictures: 95 % of each side, cropped anywhere, JPEG of quality 40
  to 90, half of them scaled back up;
- 5 % say "a picture", "untitled" or "image from the collection";
- 5 % are two captions as `str(list)`;
- 5 % are in Portuguese.

Then `mirante inspect FOLDER --model scenes` reads the folder. A false alarm is a row named for a defect that it does
not have; rows with other defects count as sound there. Scenes that happen to be told in the same words do repeat a
caption; copies of one picture do not. Intervals of 95 % by Wilson over all seeds together. Captions say everything
about their scene; of partial ones ("stars") fewer exchanges can be seen, as many are true of both pictures.
""",
    },
    "pt": {
        "title": "Defeitos plantados",
        "columns": "defeito | plantados | achados | sãs | alarmes falsos",
        "each": "Semente por semente, achados de plantados (alarmes falsos):",
        "seed": "semente",
        "made": "Feito por `{command}`.",
        "head": """Escrito por `{command}`. Sementes {seeds}: cada uma desenha {learnt} + {measured}
cenas que nenhuma partição tem, nas pastas `train` e `test`, em arquivos PNG com uma legenda em inglês cada, e estraga
linhas próprias:

- 5 % das legendas são trocadas entre si;
- 10 % das imagens de teste viram cópias de imagens de treino: 95 % de cada lado, recortadas em qualquer lugar, JPEG de
  qualidade 40 a 90, metade delas ampliada de volta;
- 5 % dizem "a picture", "untitled" ou "image from the collection";
- 5 % são duas legendas como `str(list)`;
- 5 % estão em português.

Depois, `mirante inspect FOLDER --model scenes` lê a pasta. Um alarme falso é uma linha apontada por um defeito que ela
não tem; linhas com outros defeitos contam como sãs ali. Cenas descritas por acaso com as mesmas palavras repetem, de
fato, uma legenda; cópias de uma imagem, não. Intervalos de 95 % pelo método de Wilson, sobre todas as sementes juntas.
As legendas dizem tudo sobre sua cena; em legendas parciais ("stars") menos trocas podem ser vistas, pois muitas valem
para as duas imagens.
""",
    },
}


def measure(seed: int, encoder: Encoder, planted: Callable[[Path, int], list[Row]] = plant) -> dict[str, Any]:
    """Plant with one seed, look, count."""
    with tempfile.TemporaryDirectory() as folder:
        rows = planted(Path(folder), seed)
        return {"seed": seed, "defects": tally(rows, found_in(examined(Path(folder), encoder)))}


def main() -> int:
    """Measure every seed, save, and write both pages; or only write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    asked = parser.parse_args()
    if not (asked.pages or asked.check):
        encoder = load("scenes")
        found = {"shares": SHARES | {"leaked": LEAKED}, "runs": [measure(seed, encoder) for seed in SEEDS]}
        SAVED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    runs = json.loads(SAVED.read_text(encoding="utf-8"))["runs"]
    pages = {path: page(runs, lang) for lang, path in twins(HOME, "planted-defects").items()}
    return settle(pages, check=asked.check, script=Path(__file__).name)


if __name__ == "__main__":
    sys.exit(main())
