"""Write `docs/reference/cli*.md` from the command line's own help, or check that they are current."""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _pages import settle

DOCS = Path(__file__).resolve().parents[1] / "docs" / "reference"
PAGES = {"en": DOCS / "cli.md", "pt": DOCS / "cli.pt-BR.md"}
INTRODUCTIONS = {
    "en": """# The command line

*[Em português](cli.pt-BR.md)*

Written by `make docs` from the program's own help, and checked by `make lint`; do not edit it by hand.

Every verb takes `--json` for one JSON document on standard output; progress and messages go to standard error. Exit
codes: 0 done, 1 the run failed, 2 the call was wrong.
""",
    "pt": """# A linha de comando

*[In English](cli.md)*

Escrita por `make docs` a partir da ajuda do próprio programa e conferida por `make lint`; não a edite à mão.

Todo verbo aceita `--json`, que imprime um único documento JSON na saída padrão; o progresso e as mensagens vão para a
saída de erros. Códigos de saída: 0, feito; 1, a execução falhou; 2, a chamada estava errada.
""",
}


HEADS = {"en": "| option | meaning |", "pt": "| opção | significado |"}


def sections(command: Any, path: str, lang: str) -> Iterator[str]:
    """One Markdown section for a command, then those of the commands below it, by name."""
    context = command.context_class(command, info_name=path)
    yield f"## `{path}`\n\n{(command.help or '').strip()}\n"
    yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
    records = [one.get_help_record(context) for one in command.get_params(context)]
    rows = [f"| `{cell(names)}` | {cell(text)} |" for names, text in filter(None, records)]
    if rows:
        yield "\n".join([HEADS[lang], "|---|---|", *rows]) + "\n"
    for name in sorted(getattr(command, "commands", {})):
        yield from sections(command.commands[name], f"{path} {name}", lang)


def cell(text: str) -> str:
    """`text` on one line, fit for a table."""
    return " ".join(text.split()).replace("|", "\\|")


def page(language: str) -> str:
    """The whole page in `language`; the help is fixed when the command line is imported, so one page a process."""
    os.environ.update(MIRANTE_LANG=language, COLUMNS="10000", TERMINAL_WIDTH="10000")
    from typer.main import get_command

    from mirante.cli import app

    return "\n".join([INTRODUCTIONS[language], *sections(get_command(app), "mirante", language)])


def main() -> int:
    """Write the pages; or with `--check` say whether they are current, 1 when one is not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is not current")
    parser.add_argument("--print", choices=sorted(PAGES), help="print the page of one language")
    options = parser.parse_args()
    if options.print:
        sys.stdout.buffer.write(page(options.print).encode())
        return 0
    made = {path: _printed(lang) for lang, path in PAGES.items()}
    return settle(made, check=options.check, source="the command line says", again="`make docs`")


def _printed(lang: str) -> str:
    call = [sys.executable, __file__, "--print", lang]
    return subprocess.run(call, check=True, stdout=subprocess.PIPE).stdout.decode()


if __name__ == "__main__":
    sys.exit(main())
