"""Run every command of the READMEs, so that none of them can go stale.

A command is a line that starts with `$ ` inside a fence that opens with ```console; a line that ends in `\\` goes on in
the next one. Fences that open with ```console no-run hold servers and are listed, not run. Each command runs once,
however often it is written, from the root of the repository, with `.venv/bin` first on the path.

    python scripts/readme_commands.py [--list] [--done COMMAND ...] [FILE ...]
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.pt-BR.md")
FENCE = re.compile(r"^(?P<indent>\s*)(?P<marks>`{3,})(?P<info>[^`]*)$")


@dataclass(frozen=True)
class Command:
    """A command, where it is written, and whether it is to be run."""

    text: str
    place: str
    run: bool


def commands(markdown: str, name: str) -> Iterator[Command]:
    """Yield the commands of `markdown` in order; `name` is the file's, for messages."""
    fence, pending = "", ""
    info: list[str] = []
    for number, line in enumerate(markdown.splitlines(), start=1):
        found = FENCE.match(line)
        if found and not fence:
            fence, info = found["marks"], found["info"].split()
        elif found and found["marks"].startswith(fence) and not found["info"].strip():
            if pending:
                raise SystemExit(f"{name}:{number}: the block ends within a command: remove the last backslash.")
            fence = ""
        elif fence and info[:1] == ["console"]:
            text = line.strip()
            if not pending and not text.startswith("$ "):
                continue
            pending += text.removeprefix("$ ") if not pending else " " + text
            if pending.endswith("\\"):
                pending = pending[:-1].rstrip()
                continue
            yield Command(pending, f"{name}:{number}", "no-run" not in info)
            pending = ""
    if fence:
        raise SystemExit(f"{name}: a fence is never closed: add {fence}.")


def environment() -> dict[str, str]:
    """The caller's environment, with the project's programs first."""
    return {**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def run(command: Command) -> bool:
    """Run one command, print its time, and say whether it succeeded."""
    print(f"\n$ {command.text}    ({command.place})", flush=True)
    start = time.monotonic()
    status = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.text],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        check=False,
    ).returncode
    print(f"--- exit {status}, {time.monotonic() - start:.1f} s", flush=True)
    return status == 0


def main() -> int:
    """Run or list the commands; 1 when a command failed or a README holds none."""
    parser = argparse.ArgumentParser(description="Run every command of the READMEs.")
    parser.add_argument("--list", action="store_true", help="print the commands only")
    parser.add_argument("--done", action="append", default=[], metavar="COMMAND", help="ran already; leave it out")
    parser.add_argument("files", nargs="*", type=Path, default=[ROOT / name for name in READMES])
    options = parser.parse_args()
    found: dict[str, Command] = {}
    for path in options.files:
        here = list(commands(path.read_text(encoding="utf-8"), path.name))
        if not any(one.run for one in here):
            print(f"{path}: no command to run: write them in ```console blocks, each after '$ '.", file=sys.stderr)
            return 1
        for one in here:
            found.setdefault(one.text, replace(one, run=one.run and one.text not in options.done))
    if unknown := [one for one in options.done if one not in found]:
        print(f"No README has the command {unknown[0]!r}: leave out --done.", file=sys.stderr)
        return 1
    if options.list:
        print("\n".join(f"{'run ' if one.run else 'skip'}  {one.place}  {one.text}" for one in found.values()))
        return 0
    failed = [one for one in found.values() if one.run and not run(one)]
    for one in failed:
        print(f"FAILED {one.place}: {one.text}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
