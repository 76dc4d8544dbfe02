"""The command line's own time: how soon it answers, and what a second evaluation costs.

    python benchmarks/commands.py [--pictures 300] [--repeats 5]

Start-up is the time of a whole process, the median of `--repeats` rounds in which all take turns: `mirante --help`, an
interpreter that does nothing, and the peers `transformers --help` and `hf --help`, commands of libraries that everybody
here has.

The evaluation is of a random CLIP of ViT-B/32's size on JPEG files of 1024 × 768 with a caption each: the first call
embeds, judges and writes, the second finds all of it. In between, the results are thrown away and the embeddings kept:
what judging and drawing alone take. The first is timed once, the others as often as start-up. Prints one table for
people and one JSON document.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from _turns import in_turns, timed
from encode import checkpoint, photographs
from mirante import environment

BESIDE = Path(sys.executable).parent
MIRANTE = (sys.executable, "-m", "mirante")


def main() -> None:
    """Measure, and print."""
    wanted = arguments()
    helped = startup(wanted.repeats)
    with tempfile.TemporaryDirectory() as made:
        judged = evaluations(Path(made), wanted.pictures, wanted.repeats)
    print(*said(helped, judged, wanted), sep="\n")


def arguments() -> argparse.Namespace:
    """The sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args()


def startup(repeats: int) -> dict[str, float]:
    """Median seconds of each command."""
    commands = {"mirante --help": (*MIRANTE, "--help"), "python -c pass": (sys.executable, "-c", "pass")}
    for name in ("transformers", "hf"):
        if (BESIDE / name).is_file():
            commands[f"{name} --help"] = (str(BESIDE / name), "--help")
    return warm({name: lambda command=command: run(command) for name, command in commands.items()}, repeats)


def evaluations(made: Path, pictures: int, repeats: int) -> dict[str, float]:
    """Seconds of a first evaluation, of one whose embeddings are kept, and of one that is made already."""
    model, files = checkpoint(made / "model"), photographs(made / "pictures", pictures)
    for file in files:
        file.with_suffix(".txt").write_text(f"a photograph, number {file.stem}\n", encoding="utf-8")
    out, caches = made / "out", {"XDG_CACHE_HOME": str(made / "cache")}
    command = (*MIRANTE, "evaluate", str(made / "pictures"), "--model", model, "--out", str(out), "--lang", "en")
    first = timed(lambda: run(command, caches))

    def judged() -> None:
        for one in out.iterdir():
            if one.name != "embeddings":
                shutil.rmtree(one) if one.is_dir() else one.unlink()
        run(command, caches)

    return {"first": first} | warm({"embeddings kept": judged, "again": lambda: run(command, caches)}, repeats)


def run(command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
    """A process that must end well."""
    subprocess.run(command, env={**os.environ, **(variables or {})}, capture_output=True, check=True)


def warm(works: Mapping[str, Callable[[], None]], repeats: int) -> dict[str, float]:
    """Median seconds of each, after one round that nobody times."""
    for work in works.values():
        work()
    return in_turns(works, repeats)


def said(helped: Mapping[str, float], judged: Mapping[str, float], wanted: argparse.Namespace) -> tuple[str, str]:
    """Two tables for people, one JSON document."""
    lines = ["| command | seconds |", "|---|---|", *(f"| `{name}` | {one:.3f} |" for name, one in helped.items())]
    lines += ["", f"| `mirante evaluate`, {wanted.pictures} files | seconds | of the first |", "|---|---|---|"]
    lines += [f"| {name} | {one:.2f} | {one / judged['first']:.1%} |" for name, one in judged.items()]
    document = {
        "benchmark": "commands",
        "startup_seconds": {name: round(one, 4) for name, one in helped.items()},
        "pictures": wanted.pictures,
        "evaluate_seconds": {name: round(one, 3) for name, one in judged.items()},
        "again_of_first": round(judged["again"] / judged["first"], 4),
        **environment.describe(),
    }
    return "\n".join(lines), json.dumps(document)


if __name__ == "__main__":
    main()
