"""ImageNet-R: renditions of 200 ImageNet classes, `imagenet-r`, or `imagenet-r:/path/to/folder`.

The folder holds the unpacked archive: a folder of pictures per class, called by its WordNet id, and `README.txt`,
which names the classes (`n01443537 goldfish`); a file `classes.txt` of such lines goes first. Each class name is one
query, right for all pictures of the class; papers print its mAP (ELIP, arXiv 2502.15682). Their prompts differ, which
their figures depend on: here the bare name asks.
"""

import re
from pathlib import Path

from mirante.datasets._classes import Classes
from mirante.datasets._entries import Entry
from mirante.datasets._files import walk
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.errors import DataError
from mirante.pixels import SUFFIXES

SPLIT = "test"
PUBLISHED = Published(
    name="imagenet-r",
    title="ImageNet-R",
    licence=Licence("MIT", "unstated"),
    citation="Hendrycks et al. 2021, arXiv 2006.16241",
    homepage="https://github.com/hendrycks/imagenet-r",
    languages=("en",),
    splits={SPLIT: 30_000},
    captions=200,
    columns={"image": "n*/*.jpg", "text": "README.txt"},
    layout=("README.txt", "n*/*.jpg"),
    asks="classes",
    downloads=(
        Download("imagenet-r.tar", "https://people.eecs.berkeley.edu/~hendrycks/imagenet-r.tar", 2_190_000_000),
    ),
)

_LINE = re.compile(r"\s*(n\d{8})\W+(\S.*?)\s*")


def accepts(address: str) -> bool:
    """Whether the address is `imagenet-r`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> Classes:
    """List the pictures and read the names of their classes.

    Raises:
        MissingData: the names or the pictures are not there; says what to download.
        DataError: a class has no name.
    """
    names_file = PUBLISHED.need(address, "README.txt", "classes.txt", "*/README.txt", "*/classes.txt")
    own = names_file.with_name("classes.txt")
    names_file = own if own.is_file() else names_file
    matches = (_LINE.fullmatch(line) for line in names_file.read_text(encoding="utf-8").splitlines())
    names = {match.group(1): match.group(2).replace("_", " ") for match in matches if match}
    root = names_file.parent
    entries = tuple(
        Entry(path.relative_to(root).as_posix(), path.relative_to(root).as_posix(), SPLIT, _text(path, names), {})
        for path in walk(root)
        if path.suffix.lower() in SUFFIXES
    )
    if not entries:
        PUBLISHED.need(address, "n*/*.jpg")
    return Classes(address, entries, root, (names_file,), PUBLISHED.columns, options.language)


def example(folder: Path) -> str:
    """Write six pictures of two classes into `folder`; returns its address."""
    from mirante.datasets import _example

    _example.pictures(folder, lambda number: f"n0000000{1 + number % 2}/art_{number}.png")
    (folder / "README.txt").write_text("ImageNet-R\n\nn00000001 warm disc\nn00000002 cold_disc\n", encoding="utf-8")
    return f"imagenet-r:{folder}"


def _text(path: Path, names: dict[str, str]) -> tuple[tuple[str, str], ...]:
    found = names.get(path.parent.name)
    if found is None:
        raise DataError(
            f"{str(path)!r} lies in no folder of a named class: write a line '{path.parent.name} its name' into "
            f"classes.txt beside README.txt, or take the picture away."
        )
    return ((found, "en"),)
