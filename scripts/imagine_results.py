"""How far a second encoder finds in pictures that `mirante imagine` draws for captions of `scenes` what was asked for.

    python scripts/imagine_results.py --generator vqgan:runs/scenes-vqgan --judge runs/scenes-base/checkpoint --out DIR

For each caption one picture is drawn, guided by one model; each judge, which did not guide, then ranks all captions of
the gallery by the picture. Prints one Markdown table, and writes every picture, a contact sheet and results.jsonl into
DIR; a run that was stopped goes on with the captions that are not there yet. Each of `--processes` draws on one core,
and of `--tries` pictures for a caption the guide takes the best, in the seconds that are told. Shares have a 95 %
interval (Wilson).
"""

import argparse
import json
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from mirante import encoders
from mirante.classification.shares import share
from mirante.cli.output import percent
from mirante.datasets.scenes import SceneDataset, grammar
from mirante.datasets.scenes.claims import full
from mirante.imagine import Steps, Wish, imagine
from mirante.imagine.cutouts import Cutouts
from mirante.imagine.shown import contact_sheet
from mirante.types import Encoder, Term

ACROSS = 10
Pool = get_context("spawn").Pool


def captions(gallery: int) -> list[str]:
    """Full captions of the first scenes of the test split, all different."""
    told = dict.fromkeys(grammar.say(full(scene), "en") for scene in SceneDataset().scenes(f"test-{2 * gallery}"))
    return list(told)[:gallery]


def rank(encoder: Encoder, image: Image.Image, texts: np.ndarray, own: int) -> int:
    """Place of text number `own` among all, 1 for the first; ties count against it."""
    scores = texts @ encoder.encode_images([image])[0]
    return int((scores >= scores[own]).sum())


def drawn(caption: str, seed: int, guide: Encoder, asked: argparse.Namespace) -> tuple[Image.Image, float, float]:
    """The picture for one caption, its seconds and those of the processor: the best of several seeds, by the guide."""
    start, busy = time.monotonic(), time.process_time()
    steps = Steps(asked.steps, None, asked.smooth, Cutouts(asked.cutouts, asked.smallest), asked.steps)
    seeds = tuple(range(seed * asked.tries, (seed + 1) * asked.tries))
    found = list(imagine(Wish((Term(1.0, caption),), asked.generator, seeds, asked.size, steps), guide))
    return max(found, key=lambda one: one.similarity).image, time.monotonic() - start, time.process_time() - busy


def measured(asked: argparse.Namespace) -> list[dict[str, Any]]:
    """One row for each caption, kept as it comes."""
    path = asked.out / "results.jsonl"
    known = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    done = {row["number"]: row for row in known}
    left = [number for number in range(asked.count) if number not in done]
    with path.open("a", encoding="utf-8") as kept, Pool(asked.processes, prepare, (asked,)) as pool:
        for row in pool.imap_unordered(one_row, left):
            done[row["number"]] = row
            kept.write(json.dumps(row) + "\n")
            kept.flush()
    return [done[number] for number in range(asked.count)]


MODELS: dict[str, Any] = {}


def prepare(asked: argparse.Namespace) -> None:
    """Open the guide and the judges in a process of the pool."""
    torch.set_num_threads(1)
    texts, models = captions(asked.gallery), [encoders.load(one) for one in (asked.guide, *asked.judge)]
    MODELS.update(asked=asked, texts=texts, judges=[(one, one.encode_texts(texts)) for one in models])


def one_row(number: int) -> dict[str, Any]:
    """Draw for one caption, and rank it among all."""
    asked, text, judges = MODELS["asked"], MODELS["texts"][number], MODELS["judges"]
    image, seconds, busy = drawn(text, number, judges[0][0], asked)
    image.save(asked.out / f"{number:03d}.png")
    ranks = [rank(encoder, image, rows, number) for encoder, rows in judges]
    return {"number": number, "caption": text, "seconds": seconds, "processor_seconds": busy, "ranks": ranks}


def main() -> None:
    """Draw, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", default="fourier")
    parser.add_argument("--guide", default="scenes")
    parser.add_argument("--judge", nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    sizes = {"count": 50, "gallery": 100, "steps": 150, "cutouts": 12, "tries": 1, "processes": 1}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--size", type=int)
    parser.add_argument("--smooth", type=float, default=0.0)
    parser.add_argument("--smallest", type=float, default=0.8)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    found = measured(asked)
    pictures = [Image.open(asked.out / f"{number:03d}.png") for number in range(len(found))]
    rows = [pictures[at : at + ACROSS] for at in range(0, len(pictures), ACROSS)]
    contact_sheet(rows, 96).save(asked.out / "contact.png")
    print(f"{asked.generator}: {len(found)} captions; seconds a picture, median and most")
    for kind in ("seconds", "processor_seconds"):
        taken = [one[kind] for one in found]
        print(f"- {kind}: {np.median(taken):.1f}, {max(taken):.1f}")
    print(f"\n| model | own caption first among {asked.gallery} | median rank |\n|---|---|---|")
    for at, name in enumerate((f"{asked.guide} (guide)", *asked.judge)):
        ranks = np.array([one["ranks"][at] for one in found])
        first = percent(share(int((ranks == 1).sum()), len(ranks)))
        print(f"| {name} | {first} | {np.median(ranks):g} |")


if __name__ == "__main__":
    main()
