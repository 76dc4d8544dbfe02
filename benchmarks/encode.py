"""Encode JPEG files of 1024 × 768 with a tower of ViT-B/32's size: `mirante embed` beside plain loops, in one run.

    python benchmarks/encode.py [--pictures 128] [--repeats 5] [--threads 2]

The model has random weights and the shape of openai/clip-vit-base-patch32, the files are photograph-like noise (low
frequencies and grain). From files to unit rows on the processor, one after the other and again:

- `loop`: the plain transformers loop: Pillow opens the file, CLIPProcessor prepares it, the model reads 32 at a time;
- `sentence-transformers`: `SentenceTransformer.encode` over the same checkpoint, where it is installed;
- `clip-retrieval`: the way of its inference: a torch DataLoader whose worker decodes and prepares, batches of 32;
- ours: `embed` into a new folder, in torch, with pictures decoded smaller, in ONNX Runtime, and in 8 bits, which other
  pictures calibrated;
- `tower`: the network alone, in torch and in ONNX Runtime as we run it, of pictures that are ready: what nothing from
  files can exceed in that engine.

Rates are medians over `--repeats` rounds; cosines are least over the pictures, with the loop's rows. Prints one table
for people and one JSON document with what it was measured on.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

from _turns import in_turns
from mirante import encoders, environment, pixels
from mirante.embeddings import Settings, embed, open_store
from mirante.encoders import _exported, _tiny
from mirante.types import Item, Picture

BATCH, SIZE = 32, (1024, 768)
OURS = {
    "torch": encoders.Settings(device="cpu"),
    "torch, reduced": encoders.Settings(device="cpu", decode="reduced"),
    "onnx, reduced": encoders.Settings(device="cpu", runtime="onnx", decode="reduced"),
    "openvino, reduced": encoders.Settings(device="cpu", runtime="openvino", decode="reduced"),
    "onnx int8, reduced": encoders.Settings(device="cpu", runtime="onnx", precision="int8", decode="reduced"),
    "openvino int8, reduced": encoders.Settings(device="cpu", runtime="openvino", precision="int8", decode="reduced"),
}


def main() -> None:
    """Measure, and print."""
    wanted = arguments(pictures=128)
    with tempfile.TemporaryDirectory() as made:
        address, files = prepared(Path(made), wanted)
        works = peers(address, files) | ours(address, files, Path(made)) | tower_in_onnx(address, files)
        rows = {name: work() for name, work in works.items()}  # warms up, and tells that all do the same
        figures = {name: len(files) / seconds for name, seconds in in_turns(works, wanted.repeats).items()}
    cosines = {name: least(one, rows["loop"]) for name, one in rows.items() if not name.startswith("tower")}
    print(*said(wanted, figures, cosines), sep="\n")


def arguments(pictures: int, about: str | None = __doc__) -> argparse.Namespace:
    """The sizes."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=pictures)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def prepared(made: Path, wanted: argparse.Namespace) -> tuple[str, list[Path]]:
    """The address of the model, with its 8-bit network, and the files; all that is kept of them lies in `made`."""
    torch.set_num_threads(wanted.threads)
    os.environ["XDG_CACHE_HOME"] = str(made / "cache")
    address = checkpoint(made / "model")
    files = photographs(made / "pictures", wanted.pictures)
    calibrated(address, photographs(made / "others", 32))
    return address, files


def checkpoint(folder: Path) -> str:
    """A random CLIP of ViT-B/32's size."""
    torch.manual_seed(0)
    tokenizer, config = _tiny.clip_tokenizer(), CLIPConfig(projection_dim=512)
    CLIPModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    return str(folder)


def photographs(folder: Path, count: int) -> list[Path]:
    """JPEG files with large shapes and fine grain."""
    folder.mkdir()
    chance, found = np.random.default_rng(len(folder.name)), []
    for at in range(count):
        large = Image.fromarray(chance.integers(0, 256, (12, 16, 3), dtype=np.uint8)).resize(
            SIZE, Image.Resampling.BICUBIC
        )
        grain = chance.normal(0, 12, (SIZE[1], SIZE[0], 1))
        pixels = np.clip(np.asarray(large) + grain, 0, 255).astype(np.uint8)
        found.append(folder / f"{at:05}.jpg")
        Image.fromarray(pixels).save(found[-1], quality=90)
    return found


def calibrated(address: str, files: list[Path]) -> None:
    """Make the 8-bit network, whatever it loses."""
    encoder = _exported.exportable(encoders.load(address, encoders.Settings(device="cpu")))
    images = [pixels.read_file(one) for one in files]
    samples = {
        "images": [_exported.image_arrays(encoder, images[at : at + 8]) for at in range(0, len(images), 8)],
        "texts": [_exported.text_arrays(encoder, ["a red square", "um cão azul, à noite"])],
    }
    _exported.quantise(encoder, samples, "onnx", lambda _: None)


class Files:
    """Files as a data set without captions."""

    name, revision, splits, columns = "files", "1", ("all",), {}

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Each file, known by its name."""
        for one in self._files:
            yield Item(Picture(one.name, one.name, lambda one=one: pixels.read_file(one)), ())


def ours(address: str, files: list[Path], made: Path) -> dict[str, Callable[[], Any]]:
    """`embed` into a new folder, with each of the settings; the model is open already."""
    settings = Settings(batch=BATCH, texts=False, workers=2)
    dataset = Files(files)

    def rows(encoder: Any) -> Any:
        with tempfile.TemporaryDirectory(dir=made) as out:
            embed(dataset, encoder, Path(out) / "rows", settings)
            return open_store(Path(out) / "rows").load("images").select([one.name for one in files]).vectors

    opened = {name: encoders.load(address, replace(one, batch=BATCH)) for name, one in OURS.items()}
    return {f"ours ({name})": lambda encoder=encoder: rows(encoder) for name, encoder in opened.items()}


def tower_in_onnx(address: str, files: list[Path]) -> dict[str, Callable[[], Any]]:
    """The network alone, in ONNX Runtime."""
    encoder: Any = encoders.load(address, replace(OURS["onnx, reduced"], batch=BATCH))
    ready = [encoder.prepare(pixels.read_file(one)) for one in files]
    return {"tower (onnx)": lambda: encoder.encode_prepared(ready)}


def least(rows: Any, wanted: Any) -> float:
    """The least cosine of rows of length 1 that belong together."""
    return float((rows * wanted).sum(axis=1).min())


def peers(address: str, files: list[Path]) -> dict[str, Callable[[], Any]]:
    """The others."""
    model = CLIPModel.from_pretrained(address).eval()
    processor = CLIPProcessor(CLIPImageProcessorPil.from_pretrained(address), _tiny.clip_tokenizer())
    ready = processor(images=[Image.open(one) for one in files[:BATCH]], return_tensors="pt")["pixel_values"]

    def features(values: torch.Tensor) -> Any:
        with torch.inference_mode():
            return torch.nn.functional.normalize(model.get_image_features(pixel_values=values).pooler_output, dim=-1)

    def loop() -> Any:
        rows = []
        for at in range(0, len(files), BATCH):
            images = [Image.open(one).convert("RGB") for one in files[at : at + BATCH]]
            rows.append(features(processor(images=images, return_tensors="pt")["pixel_values"]))
        return torch.cat(rows).numpy()

    def loader() -> Any:
        batches = torch.utils.data.DataLoader(Prepared(files, processor), batch_size=BATCH, num_workers=1)
        return torch.cat([features(values) for values in batches]).numpy()

    def tower() -> Any:
        return torch.cat([features(ready) for _ in range(0, len(files), BATCH)])[: len(files)].numpy()

    found = {"loop": loop, "clip-retrieval": loader, "tower": tower}
    return found | sentence_transformers(address, files)


class Prepared(torch.utils.data.Dataset[torch.Tensor]):
    """Pixels of each file, in the manner of clip-retrieval's reader."""

    def __init__(self, files: list[Path], processor: Any) -> None:
        self._files, self._processor = files, processor

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, at: int) -> torch.Tensor:
        image = Image.open(self._files[at]).convert("RGB")
        values: torch.Tensor = self._processor(images=image, return_tensors="pt")["pixel_values"][0]
        return values


def sentence_transformers(address: str, files: list[Path]) -> dict[str, Callable[[], Any]]:
    """Its `encode`, where it is installed."""
    try:
        from sentence_transformers import SentenceTransformer
    except ModuleNotFoundError:
        return {}
    model = SentenceTransformer(address, device="cpu")

    def encode() -> Any:
        images = [Image.open(one) for one in files]
        return model.encode(images, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)

    return {"sentence-transformers": encode}


def said(wanted: argparse.Namespace, figures: dict[str, float], cosines: dict[str, float]) -> tuple[str, str]:
    """A table for people, one JSON document."""
    lines = ["| way | pictures/s | × loop | least cosine |", "|---|---|---|---|"]
    for name, rate in figures.items():
        cosine = f"{cosines[name]:.5f}" if name in cosines else ""
        lines.append(f"| {name} | {rate:.1f} | {rate / figures['loop']:.2f} | {cosine} |")
    for engine, tower in (("torch", "tower"), ("onnx", "tower (onnx)")):
        share = figures[f"ours ({engine}, reduced)"] / figures[tower]
        lines.append(f"\nfp32 from files, {engine}: {share:.0%} of the tower's own rate")
    document = {
        "benchmark": "encode",
        "pictures": wanted.pictures,
        "threads": wanted.threads,
        "pictures_per_second": {name: round(one, 2) for name, one in figures.items()},
        "least_cosine": {name: round(one, 6) for name, one in cosines.items()},
        **environment.describe(),
    }
    return "\n".join(lines), json.dumps(document)


if __name__ == "__main__":
    main()
