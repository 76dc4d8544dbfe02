"""Write `docs/cli.md` from the command line's own help, or check that it is current (`--check`)."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
INTRODUCTION = """# The command line

Written by `make docs` from the program's own help, and checked by `make lint`; do not edit it by hand.

Every verb takes `--json` for one JSON document on standard output; progress and messages go to standard error. Exit
codes: 0 done, 1 the run failed, 2 the call was wrong.
"""


def sections(command: Any, path: str) -> Iterator[str]:
    """One Markdown section for a command, then those of the commands below it, by name."""
    context = command.context_class(command, info_name=path)
    yield f"## `{path}`\n\n{(command.help or '').strip()}\n"
    yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
    records = [one.get_help_record(context) for one in command.get_params(context)]
    rows = [f"| `{cell(names)}` | {cell(text)} |" for names, text in filter(None, records)]
    if rows:
        yield "\n".join(["| | |", "|---|---|", *rows]) + "\n"
    for name in sorted(getattr(command, "commands", {})):
        yield from sections(command.commands[name], f"{path} {name}")


def cell(text: str) -> str:
    """`text` on one line, fit for a table."""
    return " ".join(text.split()).replace("|", "\\|")


def page() -> str:
    """The whole page, in English whatever the caller's language."""
    os.environ.update(MIRANTE_LANG="en", COLUMNS="10000", TERMINAL_WIDTH="10000")
    from mirante.cli import app
    from typer.main import get_command

    return "\n".join([INTRODUCTION, *sections(get_command(app), "mirante")])


def main() -> int:
    """Write the page; or with `--check` say whether it is current, 1 when it is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is not current")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE} is not what the command line says: run `make docs` and commit it.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
