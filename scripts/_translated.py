"""Pages that a script writes whole from the code, in English and Portuguese.

A page is a function of a language and of `say`, which gives an English text of the code in that language:

    def page(lang: str, say: Say) -> str:
        return f"# {say('Limits', lang)}\\n\\n{paragraph(say(about, lang))}\\n"

    GENERATED = Generated({"en": DOCS / "x.md", "pt": DOCS / "x.pt-BR.md"}, page, Path(__file__))

    if __name__ == "__main__":
        sys.exit(GENERATED.main(__doc__))

`scripts/x_page.py` has its Portuguese in `scripts/translations/x_page.pt-BR.toml`, one line a text, white space aside:

    "Folder of the checkpoint." = "Pasta do checkpoint."

A text without a translation, a translation that no text of the script asks for, and one with other code between
backticks than its English are errors, whether the pages are written or checked.
"""

import argparse
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from _pages import link, settle

TABLES = Path(__file__).with_name("translations")
CODE = re.compile(r"``.+?``|`[^`]+`")

Say: TypeAlias = Callable[[str, str], str]


class Translations:
    """The Portuguese of English texts, and which of them were asked for.

    Args:
        table: English → Portuguese.
        name: of their file, for the message.
    """

    def __init__(self, table: Mapping[str, str], name: str) -> None:
        self.table = {flat(english): flat(told) for english, told in table.items()}
        self.name = name
        self.asked: dict[str, None] = {}

    def say(self, text: str, lang: str) -> str:
        """`text` on one line in `lang`, `"en"` or `"pt"`; itself where there is no translation: see `errors`."""
        english = flat(text)
        if lang == "en" or not english:
            return english
        self.asked[english] = None
        return self.table.get(english, english)

    def errors(self) -> list[str]:
        """What is wrong with the file, once all pages are made."""
        missing = [line(text) for text in self.asked if text not in self.table]
        unused = [f"  {text}" for text in self.table if text not in self.asked]
        other = [f"  {text}" for text, told in self.table.items() if codes(text) != codes(told)]
        heads = (
            (f"{self.name} lacks these texts: add them, translated.", missing),
            (f"{self.name} translates texts that the code does not have: take them out.", unused),
            (f"{self.name} has other code between backticks than the English of these texts: mend it.", other),
        )
        return ["\n".join([head, *found]) for head, found in heads if found]


@dataclass(frozen=True)
class Generated:
    """Pages in two languages that a script writes whole.

    Args:
        pages: language → file.
        page: the page in Markdown; called with a language and with `say`.
        script: that writes them; its translations are in a file of the same name.
    """

    pages: Mapping[str, Path]
    page: Callable[[str, Say], str]
    script: Path

    @property
    def table(self) -> Path:
        """The file of the translations."""
        return TABLES / f"{self.script.stem}.pt-BR.toml"

    def made(self) -> dict[str, str]:
        """Language → page.

        Raises:
            SystemExit: a text has no translation, or a translation no text.
        """
        found = tomllib.loads(self.table.read_text(encoding="utf-8")) if self.table.is_file() else {}
        translations = Translations(found, f"{TABLES.parent.name}/{TABLES.name}/{self.table.name}")
        made = {lang: self.page(lang, translations.say) for lang in self.pages}
        errors = translations.errors()
        if errors:
            raise SystemExit("\n".join(errors))
        return made

    def main(self, about: str | None, arguments: Sequence[str] | None = None) -> int:
        """Write the pages; or with `--check` say whether they are current, 1 when one is not."""
        parser = argparse.ArgumentParser(description=about)
        parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is not current")
        check = parser.parse_args(arguments).check
        pages = {self.pages[lang]: made for lang, made in self.made().items()}
        return settle(pages, check=check, source="the code says", again=f"scripts/{self.script.name}")


def flat(text: str) -> str:
    """`text` on one line."""
    return " ".join(text.split())


def line(text: str) -> str:
    """A line of the file of translations, its Portuguese still to be written."""
    return f'{json.dumps(text, ensure_ascii=False)} = ""'


def codes(text: str) -> Counter[str]:
    """The code between backticks."""
    return Counter(CODE.findall(text))


def head(title: str, pages: Mapping[str, Path], lang: str, say: Say) -> str:
    """Title of a page, and the link to the same page in the other language."""
    return f"# {say(title, lang)}\n\n{link(pages['en'].stem, lang)}"


def cell(text: str) -> str:
    """`text` on one line, fit for a cell of a table."""
    return flat(text).replace("|", "\\|")
