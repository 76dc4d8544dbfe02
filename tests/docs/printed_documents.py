"""Runs every verb with `--json`, small and in this process, and yields the documents that it prints."""

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from PIL import Image

from mirante import demo, registry
from mirante.cli import main
from mirante.cost import trial
from mirante.datasets.scenes import SceneDataset
from mirante.datasets.scenes import probes as scene_probes
from mirante.encoders import _tiny
from mirante.evaluation import probes
from mirante.service import running

Printed: TypeAlias = tuple[str, dict[str, Any]]
"""Name of a kind of document, as `scripts/json_documents` calls it, and one that was printed."""

TRAINED = """
out = "{out}"
steps = 2
batch = 8
warmup = 1
threads = 1
usd_per_hour = 1.0
{more}
[model]
start = "{start}"
[data]
address = "{data}"
language = "{language}"
near_copies = "allow"
validation = "{validation}"
retain = "scenes:test-6"
retain_language = "en"
"""
GUIDE = """
[elip]
candidates = 2
[elip.guide]
form = "attention"
reads = "tokens"
entry = 1
deep = 1
width = 16
"""
CAPTION = """
[caption]
tokens = 32
[caption.decoder]
width = 32
depth = 1
head_width = 16
vocabulary = 200
"""


class Verbs:
    """Calls verbs with `--json`; each leaves its files below one folder.

    Args:
        folder: of all files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        """The document of a call that ends with `code`."""
        printed, said = StringIO(), StringIO()
        with redirect_stdout(printed), redirect_stderr(said), pytest.raises(SystemExit) as ended:
            main([*(str(one) for one in arguments), "--json"])
        if (ended.value.code or 0) != code:
            raise AssertionError(f"{arguments} ended with {ended.value.code}: {said.getvalue()}")
        document: dict[str, Any] = json.loads(printed.getvalue())
        return document

    def recipe(self, name: str, *, more: str = "", tail: str = "", **changed: str) -> Path:
        """A configuration of two steps."""
        known = {
            "start": "scenes",
            "data": "scenes:train-16",
            "language": "pt-BR",
            "validation": "scenes:test-6",
            **changed,
        }
        path = self.folder / f"{name}.toml"
        path.write_text(TRAINED.format(out=self.folder / name, more=more, **known) + tail, encoding="utf-8")
        return path


def documents(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Printed]:
    """Every verb at least once, each kind of its documents too."""
    verbs = Verbs(folder)
    patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    patch.setenv("MIRANTE_CACHE", str(folder / "cache" / "mirante"))
    patch.setenv("MIRANTE_LANG", "en")
    photos = planted(folder / "photos")
    for part in (looking, searching, labelling, measuring, training, guiding, captioning, drawing, the_rest):
        yield from part(verbs, photos, patch)


def planted(folder: Path) -> Path:
    """Pictures with their captions, and faults that the verbs look for."""
    (folder / "train").mkdir(parents=True)
    (folder / "test").mkdir()
    for number, (name, told) in enumerate({"red": "a red square", "blue": "uma bola azul na praia"}.items()):
        for split in ("train", "test"):
            Image.new("RGB", (16, 16), name).save(folder / split / f"{name}.png")
            (folder / split / f"{name}.txt").write_text(told)
        noise = Image.frombytes("RGB", (64, 64), random.Random(number).randbytes(64 * 64 * 3))
        for split, size in (("train", 64), ("test", 60)):
            soft = noise.resize((8, 8)).resize((64, 64), Image.Resampling.BICUBIC)
            soft.resize((size, size), Image.Resampling.BICUBIC).save(folder / split / f"noise-{number}.png")
            (folder / split / f"noise-{number}.txt").write_text('["a noise", "some noise"]')
    Image.new("RGB", (16, 16), "green").save(folder / "test" / "green.png")
    (folder / "test" / "green.txt").write_text("a green square")
    (folder / "test" / "broken.png").write_bytes(b"no picture")
    (folder / "test" / "broken.txt").write_text("a red square")
    (folder / "test" / "notes.doc").write_text("ignored")
    return folder


def swapped(folder: Path) -> Path:
    """A hundred scenes with a full caption each; those of the first six are exchanged."""
    folder.mkdir()
    items = list(SceneDataset().items("test-100", "en"))
    told = [max((one.text for one in item.captions), key=len) for item in items]
    told[:6] = told[5::-1]
    for item, text in zip(items, told, strict=True):
        item.picture.load().save(folder / f"{item.picture.id}.png")
        (folder / f"{item.picture.id}.txt").write_text(text, encoding="utf-8")
    return folder


def published(folder: Path) -> str:
    """The address of a small data set in several languages, laid out as it is published."""
    folder.mkdir(exist_ok=True)
    return str(registry.load("mirante.datasets", "crossmodal-3600").example(folder))


def looking(verbs: Verbs, photos: Path, _: pytest.MonkeyPatch) -> Iterator[Printed]:
    """What is there."""
    yield "inspect", verbs("inspect", photos, "--model", "toy")
    yield "inspect", verbs("inspect", "scenes:test-12", "--model", "scenes")
    mixed = swapped(verbs.folder / "mixed")
    yield "inspect", verbs("inspect", mixed, "--model", "scenes", "--lang", "en")
    yield "inspect", verbs("inspect", published(verbs.folder / "published"))
    yield "inspect-absent", verbs("inspect", "xtd-10", code=1)
    yield "doctor", verbs("doctor")


def searching(verbs: Verbs, photos: Path, _: pytest.MonkeyPatch) -> Iterator[Printed]:
    """An index: made, asked, calibrated."""
    vectors = verbs.folder / "vectors"
    yield "embed", verbs("embed", "scenes:test-20", "--model", "scenes", "--out", vectors)
    yield "embed", verbs("embed", f"{photos}:test", "--model", "toy", "--out", verbs.folder / "photos-vectors")
    yield "index", verbs("index", vectors, "--kind", "faiss-flat", "--out", verbs.folder / "flat")
    yield "index", verbs("index", vectors)
    many = verbs.folder / "many"
    verbs("embed", "scenes:test-1200", "--model", "toy", "--lang", "en", "--out", many)
    yield "index", verbs("index", many, "--kind", "faiss-hnsw", "--recall", 0.5)
    yield "search", verbs("search", vectors, "a cat", "-k", 3)
    yield "search", verbs("search", vectors, "a cat", "-k", 3, "--rerank", "reciprocal", "--rerank-depth", 5)
    yield "calibrate", verbs("calibrate", vectors, "--data", "scenes:validation-30", "--lang", "en")
    yield "search", verbs("search", vectors, "a cat", "-k", 3)
    yield "ask", verbs("ask", vectors, "Which pictures show a cat?", "--rerank", "reciprocal")
    asked = [
        {"question": "Which pictures show a cat?", "ids": ["test-1"], "answers": ["a cat"]},
        {"question": "Which pictures show an aeroplane engine?", "ids": [], "answers": []},
    ]
    file = verbs.folder / "questions.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in asked))
    yield "ask-eval", verbs("ask", vectors, "--eval", file, "--rerank", "reciprocal", "--where", "style=crayon")


def labelling(verbs: Verbs, photos: Path, _: pytest.MonkeyPatch) -> Iterator[Printed]:
    """Pictures and texts that fit."""
    model = ("--model", "scenes", "--lang", "en")
    yield "classify-picture", verbs("classify", photos / "test" / "red.png", *model, "--labels", "red,blue")
    asked = ("classify", "scenes:test-30", *model, "--label-column", "kind", "--train", "scenes:train-60")
    probed = ("--probe", "linear", "--probe", "knn", "--out", verbs.folder / "labels.jsonl")
    yield "classify", verbs(*asked, *probed)
    yield "classify", verbs("classify", f"{photos}:test", "--model", "toy", "--labels", "red,blue")
    examples = ("--examples", "scenes:validation-160", "--match", "kind=cat")
    yield "filter", verbs("filter", "scenes:test-20", *model, "--drop", "a cat", *examples)
    yield "filter", verbs("filter", f"{photos}:test", "--model", "toy", "--keep", "red", "--drop", "blue")
    yield "score", verbs("score", "scenes:test-12", *model)
    told = verbs.folder / "told.jsonl"
    told.write_text('{"id": "test/red.png", "caption": "a red square"}\n{"id": "none.png", "caption": "nothing"}\n')
    yield "score", verbs("score", f"{photos}:test", "--model", "toy", "--candidates", told)


def measuring(verbs: Verbs, photos: Path, patch: pytest.MonkeyPatch) -> Iterator[Printed]:
    """Evaluations, what is drawn from them and what they advise."""
    first, hard = verbs.folder / "results", verbs.folder / "hard"
    asked = ("evaluate", "scenes:test-20", "--model", "toy", "--model", "scenes", "--out", first)
    yield "evaluate", verbs(*asked, "--rerank", "reciprocal", "--rerank-depth", 5, "--usd-per-hour", 1)
    yield "evaluate", verbs("evaluate", "scenes:hard-8", "--model", "toy", "--out", hard)
    known = ("evaluate", f"{photos}:test", "--model", "toy", "--trained-on", f"{photos}:train")
    yield "evaluate", verbs(*known, "--out", verbs.folder / "leaking")
    spoken = published(verbs.folder / "spoken")
    yield "evaluate", verbs("evaluate", spoken, "--model", "toy", "--out", verbs.folder / "languages")
    yield "report", verbs("report", hard)
    yield "rescore", verbs("rescore", first, "--protocol", "random-10-percent", "--out", verbs.folder / "again")
    yield "fuse", verbs("fuse", *runs(first), "--out", verbs.folder / "fused.trec")
    weighted = ("--method", "weighted", "--weights", "0.7,0.3", "--out", verbs.folder / "weighted.trec")
    yield "fuse", verbs("fuse", *runs(first), *weighted)
    patch.setattr(probes, "GALLERY", "test-400")
    patch.setattr(probes, "SWAPS", probes.SWAPS[:1])
    patch.setattr(scene_probes, "ATTRIBUTES", scene_probes.ATTRIBUTES[:1])
    yield "probe", verbs("probe", "toy")
    patch.setattr(trial, "run", partial(trial.run, seconds=0.5))
    advice = ("advise", "scenes:test-40", "--train", "scenes:train-96", "--out", verbs.folder / "advice")
    yield "advise", verbs(*advice, "--learning-curve", "--shares", "25,75")
    both = ("--model", _tiny.clip(verbs.folder / "first"), "--model", _tiny.siglip(verbs.folder / "second"))
    yield "advise", verbs("advise", "scenes:test-12", *both, "--out", verbs.folder / "families")
    yield "advise", verbs("advise", photos, "--out", verbs.folder / "photos-advice")


def runs(results: Path) -> Sequence[Path]:
    """Two runs of an evaluation, text to image."""
    return [one for one in sorted((results / "runs").glob("*.trec")) if "text_to_image" in one.name][:2]


def training(verbs: Verbs, photos: Path, _: pytest.MonkeyPatch) -> Iterator[Printed]:
    """A model learns: what it will take, what it took, and weights between before and after."""
    recipe = verbs.recipe("learnt")
    yield "estimate", verbs("estimate", recipe)
    yield "train", verbs("train", recipe)
    near = verbs.folder / "near"
    near.mkdir()
    for one in (photos / "train").glob("noise-*"):
        shutil.copy(one, near)
    copies = {"data": f"{photos}:test", "validation": str(near), "language": ""}
    yield "train", verbs("train", verbs.recipe("copied", **copies))
    stopped = verbs.recipe("stopped", more="max_hours = 1e-9")
    yield "train", verbs("train", stopped)
    checkpoint, out = verbs.folder / "learnt" / "checkpoint", verbs.folder / "blended"
    data = ("--data", "scenes:test-8", "--retain", "scenes:test-8", "--language", "pt", "--retain-language", "en")
    yield "blend", verbs("blend", "scenes", checkpoint, *data, "--alphas", "0.5,1", "--out", out)
    yield "evaluate", verbs("evaluate", "scenes:test-8", "--model", checkpoint, "--out", verbs.folder / "after")


def guiding(verbs: Verbs, photos: Path, _: pytest.MonkeyPatch) -> Iterator[Printed]:
    """A guide learns, and a gallery waits for it."""
    recipe = verbs.recipe(
        "guide", start=_tiny.siglip(verbs.folder / "base"), data="scenes:train-24", language="en", tail=GUIDE
    )
    yield "elip train", verbs("elip", "train", recipe)
    guide = ("--guide", verbs.folder / "guide" / "checkpoint")
    yield "elip states", verbs("elip", "states", f"{photos}:test", *guide)


def captioning(verbs: Verbs, photos: Path, _: pytest.MonkeyPatch) -> Iterator[Printed]:
    """A captioner learns, writes, is measured and cleaned."""
    yield "caption train", verbs("caption", "train", verbs.recipe("captioner", tail=CAPTION))
    written = verbs.folder / "written.jsonl"
    portuguese = ("--lang", "pt-BR")
    asked = ("--model", verbs.folder / "captioner" / "checkpoint", "--out", written, "--usd-per-hour", 1)
    yield "caption run", verbs("caption", "run", "scenes:test-6", *asked, "--tokens", 8, *portuguese)
    others = ("--model", verbs.folder / "captioner" / "checkpoint", "--out", verbs.folder / "others.jsonl")
    yield "caption run", verbs("caption", "run", f"{photos}:test", *others, "--tokens", 8)
    yield "caption score", verbs("caption", "score", "scenes:test-6", written, *portuguese, "--model", "scenes")
    told = verbs.folder / "told.jsonl"
    yield "caption score", verbs("caption", "score", f"{photos}:test", told)
    out = ("--keep", 0.5, "--out", verbs.folder / "clean.jsonl")
    yield "caption clean", verbs("caption", "clean", f"{photos}:test", "--model", "toy", "--captions", told, *out)


def drawing(verbs: Verbs, photos: Path, _: pytest.MonkeyPatch) -> Iterator[Printed]:
    """Pictures from words."""
    small = ("--steps", 2, "--size", 32, "--cutouts", 2, "--generator", "pixels", "--guide")
    guide = registry.load("mirante.encoders", "clip").tiny(verbs.folder / "clip")
    out = ("--out", verbs.folder / "drawn", "--judge", "toy", "--usd-per-hour", 1)
    yield "imagine", verbs("imagine", "a red star", "--image", photos / "test" / "red.png", *small, guide, *out)
    yield "imagine", verbs("imagine", "a star", *small, guide, "--out", verbs.folder / "drawn-2")
    yield "quantize", verbs("quantize", guide, "scenes:test-24", "--calibrate", 8, "--tolerance", 100, "--lang", "en")


def the_rest(verbs: Verbs, photos: Path, patch: pytest.MonkeyPatch) -> Iterator[Printed]:
    """A service that ends at once, and a demonstration of two steps."""
    patch.setattr(running, "run", lambda app, config, announce: announce("http://127.0.0.1:8000"))
    yield "serve", verbs("serve", verbs.folder / "vectors")
    recipe = demo._recipe()
    data = replace(recipe.data, address="scenes:train-64", validation="scenes:test-8", retain="scenes:test-8")
    patch.setattr(demo, "_recipe", lambda: replace(recipe, steps=2, warmup=1, batch=16, data=data))
    patch.setattr(demo, "DATA", "scenes:test-12")
    yield "demo", verbs("demo", "--out", verbs.folder / "demo", "--no-serve")
