"""Files behind an address: patterns, what a folder holds, a fingerprint that changes with the content."""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from glob import glob, has_magic
from itertools import islice
from pathlib import Path

from mirante.errors import UsageError

_EDGE = 65_536
_BRACES = re.compile(r"\{([^{}]+)\}")


def expand(address: str, suffixes: tuple[str, ...]) -> list[Path]:
    """The files of an address: one file, a folder's files, or a pattern with `*`, `{000..009}` or `{a,b}`.

    Raises:
        UsageError: there is none.
    """
    if Path(address).is_dir():
        found = [path for path in walk(Path(address)) if path.name.lower().endswith(suffixes)]
    else:
        found = [path for one in _braces(address) for path in _globbed(one)]
    if not found or not all(path.is_file() for path in found):
        absent = next((str(path) for path in found if not path.is_file()), address)
        raise UsageError(f"No file {absent!r} ({' '.join(suffixes)}): check the path or pattern.")
    return found


def is_pattern(address: str) -> bool:
    """Whether an address stands for several files."""
    return has_magic(address) or bool(_BRACES.search(address))


def walk(root: Path) -> Iterator[Path]:
    """Every file under `root` at any depth, in order of name, hidden files and folders left out."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        yield from (Path(folder, one) for one in sorted(files) if not one.startswith("."))


def holds(address: str) -> str:
    """What a folder holds: `"saved"` (Arrow files of `save_to_disk`), `"tables"`, `"shards"`, `"pictures"`, or `""`."""
    root = Path(address)
    if not exists(address) or not root.is_dir():
        return ""
    if any((root / name).is_file() for name in ("state.json", "dataset_dict.json")):
        return "saved"
    suffixes = {path.suffix.lower() for path in islice(walk(root), 1000) if path.stem != "metadata"}
    return "tables" if ".parquet" in suffixes else "shards" if ".tar" in suffixes else "pictures"


def exists(address: str) -> bool:
    """Whether there is such a path; no text is too long or too odd to ask."""
    try:
        return Path(address).exists()
    except (OSError, ValueError):
        return False


def fingerprint(paths: Iterable[Path]) -> str:
    """Sixteen hexadecimal digits over names, sizes and the first and last 64 kB of each file."""
    digest = hashlib.blake2b(digest_size=8)
    for path in paths:
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode(errors="surrogateescape"))
        with path.open("rb") as file:
            digest.update(file.read(_EDGE))
            if size > _EDGE:
                file.seek(max(_EDGE, size - _EDGE))
                digest.update(file.read())
    return digest.hexdigest()


def _globbed(pattern: str) -> list[Path]:
    return [Path(one) for one in sorted(glob(pattern, recursive=True))] if has_magic(pattern) else [Path(pattern)]  # noqa: PTH207


def _braces(address: str) -> list[str]:
    found = _BRACES.search(address)
    if not found:
        return [address]
    first, dots, last = found.group(1).partition("..")
    if dots and first.isdigit() and last.isdigit():
        parts = [str(one).zfill(len(first)) for one in range(int(first), int(last) + 1)]
    else:
        parts = found.group(1).split(",")
    return [rest for part in parts for rest in _braces(address[: found.start()] + part + address[found.end() :])]
