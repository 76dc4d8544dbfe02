"""Pages of which a script writes the table: current or not, written anew or checked."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from _pages import settle


@dataclass(frozen=True)
class Written:
    """Pages in several languages, each with a table between two marks.

    Args:
        pages: language → file.
        table: language → the table in Markdown.
        script: that writes them; its name stands in the first mark.
        source: who knows what the table says, for the message.
    """

    pages: Mapping[str, Path]
    table: Callable[[str], str]
    script: Path
    source: str

    def page(self, lang: str) -> str:
        """The page as it is, with its table written anew."""
        start, end = f"<!-- table: written by scripts/{self.script.name} -->", "<!-- end of the table -->"
        before, rest = self.pages[lang].read_text(encoding="utf-8").split(start)
        return f"{before}{start}\n\n{self.table(lang)}\n\n{end}{rest.split(end)[1]}"

    def main(self, about: str | None) -> int:
        """Write the pages; or with `--check` say whether they are current, 1 when one is not."""
        parser = argparse.ArgumentParser(description=about)
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is not current")
        check = parser.parse_args().check
        pages = {path: self.page(lang) for lang, path in self.pages.items()}
        return settle(pages, check=check, source=self.source, again=self.script.name)
