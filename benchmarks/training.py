"""Train on JPEG files of 800 x 600 pixels: this package's loop against a plain `Trainer` of transformers.

    python benchmarks/training.py [--quick] [--json] [--case NAME ...]

Same model, files, captions, batch, optimiser and precision, in one run; each side in a process of its own, so that its
peak of memory is its own. The peer opens each JPEG when it is asked for, gives it to the model's own processor and pads
each text to the model's length, as the published example of transformers for CLIP does
(examples/pytorch/contrastive-image-text/run_clip.py); everything else is `Trainer`'s default. For CLIP, a second peer
(`trainer-short`) pads to the longest text of its batch only. Speed is that of steps after the first ones. Ours reads
every picture once before the first step: the second figure is the time of whole epochs with that reading in it, at the
speed of those steps. Memory is the resident peak of the process, or what the GPU's allocator reserved; with a limit,
the allocator refuses to go beyond it, on both sides.

Cases: `scenes`, the embedded model; `clip-b32`, a random CLIP of the shape of B/32; on a GPU also `clip-b16`, batches
of 4,096 in micro-batches within 24 GiB, and `lora`, the recipe flickr30k-pt-clip-l14-lora.toml within 8 GiB, for which
the peer has no counterpart.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mirante.batch import Batch, Batches
from mirante.datasets.scenes import SceneDataset
from mirante.training import read_config
from mirante.training.config import Data, LossTerm, Memory, Model, TrainConfig, Trained
from mirante.types import Picture

ROOT = Path(__file__).resolve().parents[1]
EPOCHS = 5
FP32, ALL = Memory(), Trained()
SIZE = (800, 600)
LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
SHAPES: Mapping[str, Mapping[str, Any]] = {
    "b32": {"vision": {"patch_size": 32}, "text": {}, "width": 512},
    "b16": {"vision": {"patch_size": 16}, "text": {}, "width": 512},
    "l14": {
        "vision": {"patch_size": 14, **LARGE},
        "text": {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12},
        "width": 768,
    },
}


@dataclass(frozen=True)
class Case:
    """What both sides do.

    Args:
        model: `"scenes"`, or a key of `SHAPES`.
        loss: of ours; the peer's is the model's own, the same.
        pictures: JPEG files.
        batch: pictures a step.
        warm: steps that are not measured.
        steps: steps that are.
        memory: how ours fits a batch; the peer takes its precision and its checkpointing.
        limit: of the GPU's memory, in GiB; 0 for none. A case with a limit needs a GPU.
        trained: what ours trains; where it is adapters, there is no peer.
    """

    model: str
    loss: str
    pictures: int
    batch: int
    warm: int
    steps: int
    memory: Memory = FP32
    limit: int = 0
    trained: Trained = ALL


def cases(*, gpu: bool, quick: bool) -> dict[str, Case]:
    """The cases that this machine can run."""
    precision = Memory(precision="bf16" if gpu else "fp32")
    found = {
        "scenes": Case("scenes", "sigmoid", 384, 64, 4, 16, precision),
        "clip-b32": Case("b32", "infonce", 384, 128 if gpu else 16, 2, 16 if gpu else 5, precision),
    }
    if gpu:
        recipe = read_config(ROOT / "configs" / "flickr30k-pt-clip-l14-lora.toml")
        large = Memory(micro=256, checkpointing=True, precision="bf16")
        found["clip-b16"] = Case("b16", "infonce", 8192, 4096, 1, 4, large, limit=24)
        found["lora"] = Case("l14", "infonce", 512, recipe.batch, 1, 4, recipe.memory, 8, recipe.trained)
    if not quick:
        return found
    return {name: replace(one, pictures=max(one.batch, one.pictures // 4), steps=3) for name, one in found.items()}


def main() -> None:
    """Make the data, measure each case on both sides, print."""
    asked = arguments()
    if asked.side:
        child(asked)
        return
    found = cases(gpu=on_gpu(), quick=asked.quick)
    names = asked.case or list(found)
    if unknown := [name for name in names if name not in found]:
        raise SystemExit(f"No such case here: {', '.join(unknown)}; there are {', '.join(found)}. GPU: {on_gpu()}.")
    document: dict[str, Any] = {"device": device_name(), "epochs": EPOCHS, "cases": {}}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        table = photographs(Path(folder), max(found[name].pictures for name in names))
        for name in names:
            case = found[name]
            model = checkpoint(case.model, Path(folder))
            sides = [*peers(case), "ours"]
            measured = {side: in_process(asked, name, side, (Path(folder), table, model)) for side in sides}
            document["cases"][name] = compared(case, measured)
            if not asked.json:
                print(told(name, document["cases"][name]), flush=True)
    if asked.json:
        print(json.dumps(document))


def arguments() -> argparse.Namespace:
    """What to run; a child process is told its side and where everything lies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer pictures and steps")
    parser.add_argument("--json", action="store_true", help="one JSON document, no table")
    parser.add_argument("--case", action="append", help="only this one; may be repeated")
    for name in ("side", "folder", "table", "model"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    return parser.parse_args()


def on_gpu() -> bool:
    """Whether torch sees a GPU."""
    import torch

    return bool(torch.cuda.is_available())


def device_name() -> str:
    """The GPU, or the number of cores."""
    import torch

    return torch.cuda.get_device_name(0) if on_gpu() else f"{os.cpu_count()} cores"


def photographs(folder: Path, count: int) -> Path:
    """Scenes enlarged to `SIZE` with a camera's noise, as JPEG files, and the table of their captions."""
    items = list(SceneDataset().items(f"train-{count}", "en"))
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        names = list(workers.map(partial(photograph, folder), (item.picture for item in items), chunksize=16))
    rows = [{"file_name": name, "caption": item.captions[0].text} for name, item in zip(names, items, strict=True)]
    table = folder / "train.jsonl"
    table.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return table


def photograph(folder: Path, picture: Picture) -> str:
    """Write one picture; its name."""
    enlarged = np.asarray(picture.load().resize(SIZE, Image.Resampling.BICUBIC), dtype=np.float32)
    seed = int(picture.id.rpartition("-")[2])
    noise = np.random.default_rng(seed).normal(0, 6, (*enlarged.shape[:2], 1)).astype(np.float32)
    name = f"{picture.id}.jpg"
    Image.fromarray(np.clip(enlarged + noise, 0, 255).astype(np.uint8)).save(folder / name, quality=90)
    return name


def checkpoint(model: str, folder: Path) -> Path:
    """The embedded model, or a random CLIP of one of `SHAPES` with the embedded tokenizer."""
    import torch
    from transformers import AutoTokenizer, CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

    embedded = ROOT / "src" / "mirante" / "embedded" / "scenes"
    target = folder / model
    if model == "scenes" or target.is_dir():
        return embedded if model == "scenes" else target
    shape, width = SHAPES[model], SHAPES[model]["width"]
    tokenizer = AutoTokenizer.from_pretrained(embedded, model_max_length=77)
    special = {f"{kind}_token_id": getattr(tokenizer, f"{kind}_token_id") for kind in ("bos", "eos", "pad")}
    config = CLIPConfig(
        text_config={**shape["text"], **special, "projection_dim": width},
        vision_config={**shape["vision"], "projection_dim": width},
        projection_dim=width,
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(target)
    CLIPProcessor(CLIPImageProcessorPil(), tokenizer).save_pretrained(target)
    CLIPImageProcessorPil().save_pretrained(target)
    return target


def in_process(asked: argparse.Namespace, name: str, side: str, places: tuple[Path, Path, Path]) -> dict[str, Any]:
    """Measure one side of a case in a process of its own."""
    folder, table, model = places
    result = folder / f"{name}-{side}.json"
    command = [sys.executable, __file__, "--side", side, "--case", name, "--folder", str(folder)]
    command += ["--table", str(table), "--model", str(model), *(["--quick"] if asked.quick else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name}, {side}, failed:\n{done.stderr[-4000:]}")
    return dict(json.loads(result.read_text(encoding="utf-8")))


def child(asked: argparse.Namespace) -> None:
    """Measure one side here and leave a JSON document."""
    import torch

    (name,) = asked.case
    case, folder = cases(gpu=on_gpu(), quick=asked.quick)[name], Path(asked.folder)
    if case.limit:
        torch.cuda.set_per_process_memory_fraction(
            min(1.0, case.limit * 2**30 / torch.cuda.get_device_properties(0).total_memory)
        )
    run = {"ours": ours, "trainer": trainer, "trainer-short": partial(trainer, short=True)}[asked.side]
    try:
        measured = run(case, Path(asked.table), Path(asked.model), folder / f"{name}-{asked.side}")
        measured |= {"gib": peak(), "fits": True}
    except torch.OutOfMemoryError:
        measured = {"fits": False}
    (folder / f"{name}-{asked.side}.json").write_text(json.dumps(measured), encoding="utf-8")


def peak() -> float:
    """GiB reserved on the GPU, or resident."""
    import torch

    if on_gpu():
        return float(torch.cuda.max_memory_reserved() / 2**30)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


class Clock:
    """When each step began; the GPU has then done what came before.

    Args:
        case: which steps are measured.
    """

    def __init__(self, case: Case) -> None:
        self._case, self._began, self._busy = case, list[float](), list[float]()

    def tick(self) -> None:
        """A step begins."""
        import torch

        if on_gpu() and len(self._began) in (self._case.warm, self._case.warm + self._case.steps):
            torch.cuda.synchronize()
        self._began.append(time.perf_counter())
        self._busy.append(time.process_time())

    def figures(self) -> dict[str, float]:
        """Pairs a second of the measured steps, and the processor's milliseconds of each pair."""
        first, last = self._case.warm, self._case.warm + self._case.steps
        pairs = self._case.steps * self._case.batch
        busy = self._busy[last] - self._busy[first]
        return {"rate": pairs / (self._began[last] - self._began[first]), "cpu_ms": 1000 * busy / pairs}


@dataclass(frozen=True)
class Timed:
    """The batches of a run, with a clock that hears of each."""

    batches: Batches
    clock: Clock

    @property
    def pictures(self) -> Sequence[Picture]:
        """Those of the batches."""
        return self.batches.pictures

    def draw(self, step: int, size: int, *, seed: int) -> Batch:
        """The batch of `step`."""
        self.clock.tick()
        return self.batches.draw(step, size, seed=seed)


def ours(case: Case, table: Path, model: Path, out: Path) -> dict[str, Any]:
    """This package's loop: what `mirante train` does between its two validations."""
    os.environ["MIRANTE_CACHE"] = f"{out}-cache"
    from accelerate import Accelerator

    from mirante.training import data, loop, parts, pictures, start, task

    precision = {"fp32": "no"}.get(case.memory.precision, case.memory.precision)
    accelerator, clock = Accelerator(mixed_precision=precision), Clock(case)
    config = TrainConfig(
        str(out),
        Model(start=str(model)),
        Data(str(table), limit=case.pictures),
        trained=case.trained,
        memory=case.memory,
        losses=(LossTerm(case.loss),),
        steps=case.warm + case.steps + 1,
        batch=case.batch,
        learning_rate=1e-5,
        warmup=0,
        save_every=10**9,
    )
    encoder = start.open_model(config.model, (), str(accelerator.device))
    began = time.perf_counter()
    batches, pixels = pictures.prepare(data.open_sets(config.data).batches, encoder)
    prepared = time.perf_counter() - began
    parts.choose(encoder, case.trained)
    learns = task.contrastive(config, encoder, pixels, accelerator)
    loop.run(config, learns, Timed(batches, clock), accelerator=accelerator)
    return {**clock.figures(), "prepared": prepared}


def peers(case: Case) -> list[str]:
    """Who else runs a case; SigLIP was trained on padded texts, CLIP does not see the padding."""
    if case.trained.lora:
        return []
    return ["trainer"] if case.model == "scenes" else ["trainer", "trainer-short"]


def trainer(case: Case, table: Path, model: Path, out: Path, *, short: bool = False) -> dict[str, Any]:
    """A plain `Trainer`: a data set that opens JPEG files, the model's processor as collator, the model's own loss."""
    from transformers import AutoModel, AutoProcessor, Trainer, TrainerCallback, TrainingArguments

    network, processor, clock = AutoModel.from_pretrained(model), AutoProcessor.from_pretrained(model), Clock(case)
    rows = [json.loads(line) for line in table.read_text(encoding="utf-8").splitlines()][: case.pictures]
    length = network.config.text_config.max_position_embeddings

    def collate(chosen: list[dict[str, str]]) -> dict[str, Any]:
        images = [Image.open(table.parent / row["file_name"]).convert("RGB") for row in chosen]
        texts = [row["caption"] for row in chosen]
        given = processor(
            text=texts,
            images=images,
            padding=True if short else "max_length",
            truncation=True,
            max_length=length,
            return_tensors="pt",
        )
        return {**given, "return_loss": True}

    class Ticks(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            clock.tick()

    settings = TrainingArguments(
        str(out),
        per_device_train_batch_size=case.batch,
        max_steps=case.warm + case.steps + 1,
        learning_rate=1e-5,
        bf16=case.memory.precision == "bf16",
        gradient_checkpointing=case.memory.checkpointing,
        dataloader_drop_last=True,
        remove_unused_columns=False,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
    )
    Trainer(network, settings, data_collator=collate, train_dataset=rows, callbacks=[Ticks()]).train()
    return {**clock.figures(), "prepared": 0.0}


def compared(case: Case, sides: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Both sides with their time for `EPOCHS` epochs, and the ratios."""
    for one in sides.values():
        if one["fits"]:
            one["epochs"] = one["prepared"] + EPOCHS * case.pictures / one["rate"]
    found: dict[str, Any] = {"batch": case.batch, "pictures": case.pictures, "limit_gib": case.limit, **sides}
    ours = sides["ours"]
    for peer in sides.keys() - {"ours"}:
        other = sides[peer]
        if ours["fits"] and other["fits"]:
            found[f"against_{peer}"] = {
                "times_faster": ours["rate"] / other["rate"],
                "times_faster_with_preparation": other["epochs"] / ours["epochs"],
                "times_its_memory": ours["gib"] / other["gib"],
            }
    return found


def told(name: str, found: dict[str, Any]) -> str:
    """Some lines for people."""
    limit = f", at most {found['limit_gib']} GiB" if found["limit_gib"] else ""
    lines = [f"{name}: batch {found['batch']:,}, {found['pictures']:,} pictures{limit}"]
    for side in ("trainer", "trainer-short", "ours"):
        if side in found:
            one = found[side]
            figures = (
                f"{one['rate']:10,.1f} pairs/s {one['gib']:7.2f} GiB {one['cpu_ms']:9.1f} ms of processor a pair"
                f"{one['epochs']:9.1f} s for {EPOCHS} epochs ({one['prepared']:.1f} s of it before the first step)"
                if one["fits"]
                else " does not fit"
            )
            lines.append(f"  {side:14}{figures}")
    for peer in ("trainer", "trainer-short"):
        if ratios := found.get(f"against_{peer}"):
            lines.append(
                f"  mirante / {peer}: {ratios['times_faster']:.2f} times the pairs/s, "
                f"{ratios['times_faster_with_preparation']:.2f} with the preparation over {EPOCHS} epochs, "
                f"{ratios['times_its_memory']:.2f} times the memory"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
