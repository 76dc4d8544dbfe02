"""Labels: the name of a class in the data, and the words that a model is asked with."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mirante.errors import UsageError


@dataclass(frozen=True, slots=True)
class Label:
    """A class: its name in the data, and its words for a person and a model, such as `fish` and `peixe`."""

    name: str
    words: str


def read_labels(given: str) -> tuple[Label, ...]:
    """Labels from `"cat,dog"`, or from a UTF-8 text file with one a line; `name=words` gives other words.

    Blank lines, and lines that start with `#`, are passed over.

    Raises:
        UsageError: fewer than two labels, one without words, or a name that stands twice.

    Example:
        >>> read_labels("cat, fish=peixe")
        (Label(name='cat', words='cat'), Label(name='fish', words='peixe'))
    """
    path = Path(given)
    if "," not in given and path.is_file():
        return _checked((line for line in _lines(path) if not line.lstrip().startswith("#")), given)
    return _checked(given.split(","), given)


def labels_of(names: Iterable[str]) -> tuple[Label, ...]:
    """Labels named by the data itself, sorted; underscores become spaces in their words.

    Raises:
        UsageError: fewer than two.
    """
    return _checked((f"{name}={name.replace('_', ' ')}" for name in sorted(set(names))), "the label column")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The labels in {str(path)!r} cannot be read ({error}): save them as UTF-8 text.") from error


def _checked(parts: Iterable[str], where: str) -> tuple[Label, ...]:
    found: dict[str, Label] = {}
    for part in parts:
        name, _, words = (one.strip() for one in part.partition("="))
        if not name:
            continue
        if name in found:
            raise UsageError(f"The label {name!r} stands twice in {where!r}: give each label once.")
        found[name] = Label(name, words or name)
    if len(found) < 2:
        raise UsageError(
            f"{where!r} gives {len(found)} labels, at least 2 are needed: write them as 'cat,dog', or one a line in a "
            "file (is its path right?)."
        )
    return tuple(found.values())
