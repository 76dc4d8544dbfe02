"""Where the time of an embedding goes: each stage from a JPEG file to a row on the disk, alone, by picture.

    python benchmarks/stages.py [--pictures 64] [--repeats 5] [--threads 2]

The files and the model are those of `encode.py`. Stages of a picture (read, decode, prepare) run in one thread, as they
do in a decoding thread of `embed`; networks run on `--threads` in batches of 32. Milliseconds are medians over the
rounds, by the clock. Below stands what the stages of one way come to on that many cores, if nothing waited: the share
of `embed`'s own time that is left to waiting and to Python. Prints one table for people and one JSON document.
"""

import argparse
import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _turns import in_turns
from encode import BATCH, Files, arguments, prepared
from mirante import encoders, environment, pixels
from mirante.embeddings import Settings, embed

SIDE = 224
WAYS = {
    "torch": encoders.Settings(device="cpu", batch=BATCH),
    "onnx": encoders.Settings(device="cpu", batch=BATCH, runtime="onnx"),
    "onnx int8": encoders.Settings(device="cpu", batch=BATCH, runtime="onnx", precision="int8"),
    "openvino int8": encoders.Settings(device="cpu", batch=BATCH, runtime="openvino", precision="int8"),
}


def main() -> None:
    """Measure, and print."""
    wanted = arguments(pictures=64, about=__doc__)
    with tempfile.TemporaryDirectory() as made:
        address, files = prepared(Path(made), wanted)
        opened: dict[str, Any] = {name: encoders.load(address, one) for name, one in WAYS.items()}
        works = by_picture(files, opened["torch"]) | networks(files, opened) | wholes(files, opened, Path(made))
        for work in works.values():
            work()
        figures = {name: 1000 * one / len(files) for name, one in in_turns(works, wanted.repeats).items()}
    print(*said(figures, wanted), sep="\n")


def by_picture(files: list[Path], encoder: Any) -> dict[str, Callable[[], Any]]:
    """What a decoding thread does."""
    full = [pixels.read_file(one) for one in files]
    with pixels.reduced(SIDE):
        small = [pixels.read_file(one) for one in files]

    def decode_reduced() -> None:
        with pixels.reduced(SIDE):
            for one in files:
                pixels.read_file(one)

    return {
        "read and hash": lambda: [hashlib.sha256(one.read_bytes()).hexdigest() for one in files],
        "decode": lambda: [pixels.read_file(one) for one in files],
        "decode, reduced": decode_reduced,
        "prepare": lambda: [encoder.prepare(one) for one in full],
        "prepare, of reduced": lambda: [encoder.prepare(one) for one in small],
    }


def networks(files: list[Path], opened: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """The image tower, of pictures that are ready, and bringing rows to length 1."""
    ready = [opened["torch"].prepare(pixels.read_file(one)) for one in files]
    return {
        f"network, {name}": lambda encoder=encoder: encoder.encode_prepared(ready) for name, encoder in opened.items()
    }


def wholes(files: list[Path], opened: dict[str, Any], made: Path) -> dict[str, Callable[[], Any]]:
    """`embed` into a new folder, with pictures decoded smaller."""
    settings = Settings(batch=BATCH, texts=False, workers=2)

    def whole(encoder: Any) -> None:
        encoder.scale = SIDE
        with tempfile.TemporaryDirectory(dir=made) as out:
            embed(Files(files), encoder, Path(out) / "rows", settings)

    return {f"embed, {name}": lambda encoder=encoder: whole(encoder) for name, encoder in opened.items()}


def said(figures: dict[str, float], wanted: argparse.Namespace) -> tuple[str, str]:
    """A table for people, one JSON document."""
    lines = ["| stage | ms by picture |", "|---|---|", *(f"| {name} | {one:.1f} |" for name, one in figures.items())]
    lines += ["", "| embed, decoded smaller | ms | if nothing waited | used |", "|---|---|---|---|"]
    alone = sum(figures[name] for name in ("read and hash", "decode, reduced", "prepare, of reduced"))
    for name in WAYS:
        ideal = figures[f"network, {name}"] + alone / wanted.threads
        whole = figures[f"embed, {name}"]
        lines.append(f"| {name} | {whole:.1f} | {ideal:.1f} | {ideal / whole:.0%} |")
    document = {
        "benchmark": "stages",
        "pictures": wanted.pictures,
        "threads": wanted.threads,
        "ms_by_picture": {name: round(one, 3) for name, one in figures.items()},
        **environment.describe(),
    }
    return "\n".join(lines), json.dumps(document)


if __name__ == "__main__":
    main()
