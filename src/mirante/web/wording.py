"""Components whose words follow the language of the page."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import gradio

from mirante import messages

Words: TypeAlias = str | Callable[[str], Any]
"""The key of a text of the page, or a function of its language."""
QUIET = {"api_visibility": "private", "show_progress": "minimal"}
"""How every event of the page is set up."""


class Wording:
    """Makes the components of a page that has one switch of its language.

    Args:
        lang: that the page is laid out in.
        language: the switch.
    """

    def __init__(self, lang: str, language: Any) -> None:
        self.lang, self.language = lang, language
        self._said: list[tuple[Any, Mapping[str, Words]]] = []
        self._answers: list[tuple[Callable[..., Any], Sequence[Any], Any]] = []
        self._first: list[tuple[Callable[..., Any], Sequence[Any], Any]] = []

    def __call__(self, kind: Callable[..., Any], words: Mapping[str, Words], **given: Any) -> Any:
        """A component of a kind; `words` are its properties that are words."""
        made = kind(**_spoken(words, self.lang), **given)
        self._said.append((made, words))
        return made

    def answered(self, again: Callable[..., Any], fields: Sequence[Any], results: Any) -> None:
        """Have `again(lang, *fields)` say the results anew when the language changes."""
        self._answers.append((again, [self.language, *fields], results))

    def opened(self, first: Callable[..., Any], fields: Sequence[Any], results: Any) -> None:
        """Have `first(lang, *fields)` fill the results when the page is opened, once its language is known."""
        self._first.append((first, [self.language, *fields], results))

    def follow(self, blocks: gradio.Blocks, opening: str) -> None:
        """Connect the switch, once everything is there.

        Args:
            blocks: the page.
            opening: JavaScript from the language that the page was laid out in to the one that it opens in.
        """
        start = blocks.load(None, self.language, self.language, js=opening, **QUIET)
        for first, fields, results in self._first:
            start.then(first, fields, results, **QUIET)
        changed = self.language.change(self.speak, self.language, [one for one, _ in self._said], **QUIET)
        for again, fields, results in self._answers:
            changed = changed.then(again, fields, results, **QUIET)

    def speak(self, lang: str) -> list[Any]:
        """Every word of the page in another language."""
        return [gradio.update(**_spoken(words, lang)) for _, words in self._said]


def _spoken(words: Mapping[str, Words], lang: str) -> dict[str, Any]:
    return {
        name: messages.text(f"web.{word}", lang) if isinstance(word, str) else word(lang)
        for name, word in words.items()
    }
