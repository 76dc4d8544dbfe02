"""A folder of pictures, nested at any depth; hidden files and other kinds are left out and counted.

Captions come from the first of: `metadata.csv|jsonl|parquet` (a `file_name` column; the other columns are
metadata), side-car `.txt` files (one caption a line, or Tux Paint's languages), names of class folders. Sub-folders
`train`, `test`, `validation` are splits when every picture lies in one. The id of a picture is its relative path.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from mirante.datasets import _splits
from mirante.datasets._captions import Tagged, captions
from mirante.datasets._files import holds, walk
from mirante.datasets._metadata import NAMES, Listing, read_listing
from mirante.datasets._options import ReadOptions
from mirante.datasets._pictures import from_file
from mirante.datasets._sidecars import is_multilingual, texts_in
from mirante.errors import UsageError
from mirante.pixels import SUFFIXES
from mirante.types import Item, Metadata


def accepts(address: str) -> bool:
    """Whether the address is a folder that holds neither tables nor shards."""
    return holds(address) == "pictures"


def open(address: str, options: ReadOptions) -> "Folder":
    """List a folder's files and read its metadata files; pictures are not opened.

    Raises:
        UsageError: there is no picture in it.
        DataError: a metadata file cannot be read.
    """
    root = Path(address)
    files = list(walk(root))
    pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
    beside = {path.with_suffix(""): path for path in files if path.suffix.lower() == ".txt"}
    lists = [path for path in files if path.name.lower() in NAMES]
    if not pictures and not lists:
        raise UsageError(f"The folder {address!r} holds no pictures ({' '.join(sorted(SUFFIXES))}): check the path.")
    listing = read_listing(root, lists, options) if lists else None
    sidecars = {path: beside[path.with_suffix("")] for path in pictures if path.with_suffix("") in beside}
    used = {*pictures, *lists, *sidecars.values()}
    ignored = Counter(path.suffix.lower() or path.name for path in files if path not in used)
    multilingual = listing is None and is_multilingual(sidecars.values())
    names = [path.relative_to(root).as_posix() for path in pictures]
    kept = list(listing.rows) if listing else names
    if multilingual:
        kept = [name for name in names if root / name in sidecars]
    ignored += Counter({"pictures without a side-car or metadata row": len(set(names) - set(kept))})
    return Folder(
        name=address,
        pictures=tuple(kept),
        listing=listing,
        sidecars=sidecars,
        multilingual=multilingual,
        language=options.language,
        ignored=dict(sorted(ignored.items())),
    )


@dataclass(frozen=True)
class Folder:
    """Pictures under a root, and where their captions come from.

    Args:
        name: the folder.
        pictures: relative paths, in order.
        listing: rows of metadata files, None where there are none.
        sidecars: picture → the `.txt` beside it.
        multilingual: whether side-cars have Tux Paint's form.
        language: wanted captions where `items` is not told.
        ignored: suffix (or description) → number of files left out.
    """

    name: str
    pictures: tuple[str, ...]
    listing: Listing | None = None
    sidecars: Mapping[Path, Path] = field(default_factory=dict)
    multilingual: bool = False
    language: str | None = None
    ignored: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def revision(self) -> str:
        """Fingerprint of the list of pictures, their sizes and their captions."""
        digest = blake2b(digest_size=8)
        for name in self.pictures:
            path = Path(self.name, name)
            size = path.stat().st_size if path.is_file() else -1
            digest.update(f"{name}\0{size}\0{self._texts(name)}\0".encode(errors="surrogateescape"))
        return digest.hexdigest()

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Sub-folders that are splits, else `all`."""
        tops = {PurePosixPath(name).parts[0] for name in self.pictures}
        return _splits.ordered(tops) if tops and all(map(_splits.is_split, tops)) else (_splits.WHOLE,)

    @property
    def columns(self) -> Mapping[str, str]:
        """Where pictures and captions come from."""
        if self.listing:
            return self.listing.columns.roles()
        return {"image": "file", "text": "side-car .txt" if self.sidecars else "name of the class folder"}

    def count(self, split: str) -> int:
        """Number of pictures of a split."""
        return sum(split == _splits.WHOLE or name.startswith(f"{split}/") for name in self.pictures)

    def items(self, split: str, language: str | None = None) -> Iterator[Item]:
        """Yield the pictures of `split` in order of path."""
        _splits.check(split, self.splits)
        for name in self.pictures:
            if split == _splits.WHOLE or name.startswith(f"{split}/"):
                image = name.encode(errors="surrogateescape").decode(errors="replace")
                picture = from_file(image, Path(self.name, name), self._metadata(name))
                yield Item(picture, captions(image, self._texts(name), language or self.language))

    def _texts(self, name: str) -> list[Tagged]:
        if self.listing:
            return [text for row in self.listing.rows[name] for text in self.listing.columns.texts_of(row)]
        if self.sidecars:
            sidecar = self.sidecars.get(Path(self.name, name))
            return texts_in(sidecar, multilingual=self.multilingual) if sidecar else []
        folder = self._folder(name)
        return [(folder.name.replace("_", " "), "")] if folder.name else []

    def _metadata(self, name: str) -> Metadata:
        if self.listing:
            return self.listing.columns.metadata_of(self.listing.rows[name][0])
        folder = self._folder(name)
        if not folder.name:
            return {}
        return {"folder": str(folder)} if self.sidecars else {"class": folder.name}

    def _folder(self, name: str) -> PurePosixPath:
        """The folder of a picture, from the split's (or the root) on."""
        parts = PurePosixPath(name).parts[:-1]
        return PurePosixPath(*(parts if self.splits == (_splits.WHOLE,) else parts[1:]))


def example(folder: Path) -> str:
    """Write six pictures with side-cars in two languages into `folder`; returns its address."""
    from mirante.datasets._example import samples

    for number, one in enumerate(samples()):
        place = folder / ("few" if number < 3 else "many")
        place.mkdir(exist_ok=True)
        (place / one.name).write_bytes(one.data)
        text = f"{one.english}\npt_BR.utf8={one.portuguese}\n"
        (place / one.name).with_suffix(".txt").write_text(text, encoding="utf-8")
    return str(folder)
