"""XTD-10: 1,000 pictures of MS-COCO with one caption in each language, `xtd-10`, or `xtd-10:/path/to/folder`.

The folder holds the publisher's repository (`XTD10`, `MIC` and `STAIR` with one text file a language, a line a
picture, and `test_image_names.txt`) and COCO's pictures; or the pictures' folder is given as the image root. Eleven
languages: English and ten others; none of them is Portuguese.
"""

import re
from pathlib import Path

from mirante.datasets._captions import language_tag
from mirante.datasets._columns import SAMPLE
from mirante.datasets._entries import Entry, Listed
from mirante.datasets._options import ReadOptions
from mirante.datasets._published import Download, Licence, Published
from mirante.datasets._reading import pictures_of
from mirante.errors import DataError

NAMES = "test_image_names.txt"
REPOSITORY = "https://github.com/adobe-research/Cross-lingual-Test-Dataset-XTD10"
PUBLISHED = Published(
    name="xtd-10",
    title="XTD-10",
    licence=Licence("Adobe Research License", "Flickr Terms of Use"),
    citation="Aggarwal and Kale 2020, arXiv 2012.05107; Rajendran et al. 2016 (de, fr); Yoshikawa et al. 2017 (ja)",
    homepage=REPOSITORY,
    languages=("de", "en", "es", "fr", "it", "ja", "ko", "pl", "ru", "tr", "zh"),
    splits={"test": 1_000},
    captions=11_000,
    columns={"image": NAMES, "text": "test_1kcaptions_*.txt"},
    layout=(f"XTD10/{NAMES}", "{XTD10,MIC,STAIR}/test_1kcaptions_*.txt", "train2014/*.jpg", "val2014/*.jpg"),
    asks="languages",
    downloads=(
        Download("Cross-lingual-Test-Dataset-XTD10", REPOSITORY, 800_000),
        Download("train2014.zip", "http://images.cocodataset.org/zips/train2014.zip", 13_500_000_000),
        Download("val2014.zip", "http://images.cocodataset.org/zips/val2014.zip", 6_600_000_000),
    ),
    protocol="xtd-10",
)

_TEXTS = re.compile(r"test_1kcaptions_([a-z]{2})\.txt")
_TAGS = {"jp": "ja"}


def accepts(address: str) -> bool:
    """Whether the address is `xtd-10`, bare or with a folder."""
    return PUBLISHED.accepts(address)


def open(address: str, options: ReadOptions) -> Listed:
    """Read the names and the captions of every language that is there.

    Raises:
        MissingData: the names, all captions or the pictures are not there; says what to download.
        DataError: a language has another number of lines than there are names.
    """
    names_file = PUBLISHED.need(address, f"XTD10/{NAMES}", f"**/{NAMES}")
    PUBLISHED.need(address, "XTD10/test_1kcaptions_*.txt", "**/test_1kcaptions_*.txt")
    names, files = _lines(names_file), _files(PUBLISHED.folder(address))
    texts = {tag: _lines(path) for tag, path in files.items()}
    for tag, lines in texts.items():
        if len(lines) != len(names):
            raise DataError(
                f"{str(files[tag])!r} has {len(lines)} lines, {str(names_file)!r} {len(names)}: fetch both again."
            )
    place = _flat if _is_flat(Path(options.image_root or PUBLISHED.folder(address)), names) else _nested
    entries = tuple(
        Entry(Path(name).stem, place(name), "test", tuple((lines[at], tag) for tag, lines in texts.items()), {})
        for at, name in enumerate(names)
    )
    root = pictures_of(PUBLISHED, address, entries, ("", "images"), options)
    lists = (names_file, *files.values())
    return Listed(address, entries, root, lists, PUBLISHED.columns, options.language, languages_apart=True)


def example(folder: Path) -> str:
    """Write six pictures with captions in two languages into `folder`; returns its address."""
    from mirante.datasets import _example

    def name(number: int) -> str:
        return f"COCO_val2014_{number:012}.png"

    discs = _example.pictures(folder, lambda number: f"val2014/{name(number)}")
    texts = {"en": [one.english for one in discs], "pt": [one.portuguese for one in discs]}
    lines = {NAMES: [name(number) for number in range(len(discs))]}
    lines |= {f"test_1kcaptions_{tag}.txt": told for tag, told in texts.items()}
    (folder / "XTD10").mkdir()
    for file, told in lines.items():
        (folder / "XTD10" / file).write_text("\n".join(told) + "\n", encoding="utf-8")
    return f"xtd-10:{folder}"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")


def _files(folder: Path) -> dict[str, Path]:
    """Language tag → its file, in the order of the tags."""
    found = {match.group(1): path for path in folder.rglob("*.txt") if (match := _TEXTS.fullmatch(path.name))}
    return dict(sorted((language_tag(_TAGS.get(code, code)), path) for code, path in found.items()))


def _is_flat(folder: Path, names: list[str]) -> bool:
    """Whether the pictures lie side by side, not in the folders that COCO's archives make."""
    return any((folder / name).is_file() for name in names[:SAMPLE])


def _flat(name: str) -> str:
    return name


def _nested(name: str) -> str:
    return f"{name.split('_')[1] if name.count('_') > 1 else '.'}/{name}"
