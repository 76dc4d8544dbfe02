"""Run every command of the READMEs, or of other pages, so that none of them can go stale.

A command is a line that starts with `$ ` inside a fence that opens with ```console; a line that ends in `\\` goes on in
the next one. What a ```console no-run fence holds needs a hub, a GPU or hours, and is listed, not run; the command of a
```console server fence is left running, once it has printed its address, until the end of its page. Each command runs
once, however often it is written, from the root of the repository, with `.venv/bin` first on the path.

    python scripts/page_commands.py [--list] [--done COMMAND ...] [FILE ...]
"""

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from _pages import ROOT, fences

READMES = ("README.md", "README.pt-BR.md")
KINDS = {"run": "run ", "server": "run&", "no-run": "skip"}
"""Kind of command → how it is listed."""

SERVER_SECONDS = 120.0


@dataclass(frozen=True)
class Command:
    """A command, where it is written, and whether it is to be run, left running (`server`) or let be (`no-run`)."""

    text: str
    place: str
    kind: str = "run"


def commands(markdown: str, name: str) -> Iterator[Command]:
    """Yield the commands of `markdown` in order; `name` is the file's, for messages."""
    for fence in fences(markdown, name):
        if fence.info[:1] != ("console",):
            continue
        kind = " ".join(fence.info[1:]) or "run"
        if kind not in KINDS:
            raise SystemExit(
                f"{name}:{fence.first}: no fence is of the kind {kind!r}: write console, server or no-run."
            )
        pending = ""
        for number, line in enumerate(fence.lines, start=fence.first + 1):
            text = line.strip()
            if not pending and not text.startswith("$ "):
                continue
            pending += text.removeprefix("$ ") if not pending else " " + text
            if pending.endswith("\\"):
                pending = pending[:-1].rstrip()
                continue
            yield Command(pending, f"{name}:{number}", kind)
            pending = ""
        if pending:
            raise SystemExit(f"{name}:{fence.last}: the block ends within a command: remove the last backslash.")


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


@contextmanager
def running(command: Command) -> Iterator[bool]:
    """Leave one command running for as long as the context lasts; whether it came to print an address."""
    print(f"\n$ {command.text} &    ({command.place})", flush=True)
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", command.text],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield _answers(process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def _answers(process: subprocess.Popen[bytes]) -> bool:
    """Whether the process prints an address in time; what it prints is shown, and read for as long as it runs."""
    settled, found = threading.Event(), threading.Event()

    def read() -> None:
        for line in process.stdout or ():
            print(line.decode(errors="replace"), end="", flush=True)
            if b"http://" in line:
                found.set()
                settled.set()
        settled.set()

    threading.Thread(target=read, daemon=True).start()
    settled.wait(SERVER_SECONDS)
    return found.is_set()


def run_page(found: Sequence[Command]) -> list[Command]:
    """Run what one page says, in order, its servers beside it; those that failed."""
    failed = []
    with ExitStack() as servers:
        for one in found:
            if one.kind == "server" and not servers.enter_context(running(one)):
                print(f"--- no address within {SERVER_SECONDS:.0f} s", flush=True)
                failed.append(one)
            if one.kind == "run" and not run(one):
                failed.append(one)
    return failed


def unseen(paths: Sequence[Path], done: Sequence[str]) -> list[list[Command]]:
    """The commands of each page that no page before it has; those of `done` are let be.

    Raises:
        SystemExit: a page has no command that runs, or `done` is in none of them.
    """
    seen: set[str] = set()
    found = []
    for path in paths:
        here = list(commands(path.read_text(encoding="utf-8"), path.name))
        if not any(one.kind == "run" for one in here):
            raise SystemExit(f"{path}: no command to run: write them in ```console blocks, each after '$ '.")
        new = []
        for one in here:
            if one.text not in seen:
                new.append(Command(one.text, one.place, "no-run") if one.text in done else one)
            seen.add(one.text)
        found.append(new)
    if unknown := [one for one in done if one not in seen]:
        raise SystemExit(f"No page has the command {unknown[0]!r}: leave out --done.")
    return found


def main() -> int:
    """Run or list the commands; 1 when a command failed or a page holds none."""
    parser = argparse.ArgumentParser(description="Run every command of the READMEs, or of other pages.")
    parser.add_argument("--list", action="store_true", help="print the commands only")
    parser.add_argument("--done", action="append", default=[], metavar="COMMAND", help="ran already; leave it out")
    parser.add_argument("files", nargs="*", type=Path, default=[ROOT / name for name in READMES])
    options = parser.parse_args()
    found = unseen(options.files, options.done)
    if options.list:
        print("\n".join(f"{KINDS[one.kind]}  {one.place}  {one.text}" for page in found for one in page))
        return 0
    failed = [one for page in found for one in run_page(page)]
    for one in failed:
        print(f"FAILED {one.place}: {one.text}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
