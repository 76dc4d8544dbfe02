"""The embedding store: a folder of whole files that one model filled, read by id.

`manifest.json` names the space (model, revision, preprocessing, dimension) and the data; `listing-*.jsonl` say which id
shows which content; `images-*.safetensors` and `texts-*.safetensors` hold a row for each content.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mirante.digests import short
from mirante.embeddings.folder import Folder
from mirante.embeddings.listing import KINDS, Kind, Listing, Row, fingerprint, listings, read
from mirante.embeddings.shelf import SCHEMA, Disk, damaged
from mirante.errors import ModelMismatch, StoreError, UnknownName, UsageError
from mirante.types import Embeddings, Encoder, Provenance

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Store:
    """A folder of embeddings.

    Args:
        folder: where it is.
        provenance: the space of its rows; `data` is empty.
        dim: width d of a row.
        writer: the folder open for writing, None to read only.
    """

    folder: Path
    provenance: Provenance
    dim: int
    writer: Folder | None = None

    @property
    def listings(self) -> tuple[Listing, ...]:
        """What it holds: one for each data set, split and language, sorted."""
        return listings(self.folder)

    def load(self, kind: Kind, *, data: str | None = None, split: str | None = None) -> Embeddings:
        """Rows of `kind` (`"images"` or `"texts"`) by id, in the data's order; unreadable images have none.

        Args:
            kind: images or texts (captions).
            data: only of this data set; None for all.
            split: only of this split; None for all.

        Raises:
            StoreError: nothing was finished, a file is damaged, or two data sets use one id for two contents.
            UnknownName: no such kind, data set or split.
        """
        _check("kind", kind, KINDS)
        held = self._held(kind, self._chosen(kind, data, split))
        contents = [content for content, _ in held.values()]
        made_from = fingerprint(zip(held, contents, strict=True))
        vectors = np.empty((len(held), self.dim), np.float32)
        for name in {shelf for _, shelf in held.values()}:
            at = [row for row, (_, shelf) in enumerate(held.values()) if shelf == name]
            vectors[at] = self.shelf(name).vectors([contents[row] for row in at])
        return Embeddings(tuple(held), vectors, replace(self.provenance, data=made_from))

    def images(self, ids: Iterable[str]) -> Embeddings:
        """The rows of these images, in that order.

        Raises:
            DataError: an id has no row.
        """
        return self.load("images").select(ids)

    def texts(self, ids: Iterable[str]) -> Embeddings:
        """The rows of these captions, in that order.

        Raises:
            DataError: an id has no row.
        """
        return self.load("texts").select(ids)

    def rows(self, *, data: str | None = None, split: str | None = None) -> Iterator[Row]:
        """The images of the data as listed (id, content, captions, metadata, path), streamed, readable or not."""
        for listing in self._chosen("images", data, split):
            yield from read(self.folder, listing)

    def unreadable(self, *, data: str | None = None, split: str | None = None) -> dict[str, str]:
        """Image id → why it could not be read."""
        lost: dict[str, str] = {}
        for listing in self._chosen("images", data, split):
            lost |= self.lost(listing)
        return lost

    def lost(self, listing: Listing) -> dict[str, str]:
        """Image id → why it could not be read, of one listing."""
        reasons = self.shelf(listing.shelf("images")).unreadable()
        rows = read(self.folder, listing) if reasons else iter(())
        return {row.id: reasons[row.content] for row in rows if row.content in reasons}

    def shelf(self, name: str) -> Disk:
        """One of its shelves, `"images"` or `"texts"` or a listing's own."""
        space = short(json.dumps([self.provenance.revision, self.provenance.preprocessing, self.dim]))
        return Disk(self.folder, name, self.dim, space, writer=self.writer)

    def check(self, encoder: Encoder) -> None:
        """Refuse an encoder of another space.

        Raises:
            ModelMismatch: another revision, preprocessing or width.
        """
        mine, other = self.provenance, encoder.provenance
        if not mine.same_space(other):
            raise ModelMismatch(_label(mine, other), _label(other, mine))
        if self.dim != encoder.dim:
            raise ModelMismatch(f"{mine.model} ({self.dim}-dimensional)", f"{other.model} ({encoder.dim}-dimensional)")

    def _chosen(self, kind: Kind, data: str | None, split: str | None) -> tuple[Listing, ...]:
        found = self.listings
        if not found:
            raise StoreError(
                f"No data set was embedded to its end in {str(self.folder)!r}: run the same `mirante embed` again."
            )
        _check("data set", data, [one.data for one in found])
        _check("split", split, [one.split for one in found])
        found = tuple(one for one in found if data in (None, one.data) and split in (None, one.split))
        if kind == "texts" and not any(one.texts for one in found):
            raise StoreError(f"Only images were embedded in {str(self.folder)!r}: embed again, texts included.")
        return tuple(one for one in found if one.texts) if kind == "texts" else found

    def _held(self, kind: Kind, chosen: Iterable[Listing]) -> dict[str, tuple[str, str]]:
        """Id → content and the shelf of its row, for everything that has a row."""
        held: dict[str, tuple[str, str]] = {}
        for listing in chosen:
            shelf = listing.shelf(kind)
            reasons = self.shelf(shelf).unreadable()
            for row in read(self.folder, listing):
                for one, content in row.contents(kind):
                    if content not in reasons and held.setdefault(one, (content, shelf))[0] != content:
                        raise StoreError(
                            f"The id {one!r} stands for two contents in {str(self.folder)!r}: say which data set and "
                            f"split is meant, or embed each into a folder of its own."
                        )
        return held


def open_store(folder: Path, encoder: Encoder | None = None) -> Store:
    """Open a folder of embeddings to read it.

    Args:
        folder: where `mirante embed` wrote.
        encoder: refuse the folder unless this encoder made it.

    Raises:
        UsageError: there are no embeddings.
        StoreError: the manifest is damaged or of another version.
        ModelMismatch: another model made it.
    """
    path = folder / MANIFEST
    if not path.exists():
        raise UsageError(f"No embeddings in {str(folder)!r}: run `mirante embed DATA --model M --out {folder}` first.")
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        provenance = Provenance(
            manifest["model"], manifest["revision"], manifest["preprocessing"], parts=int(manifest.get("parts", 1))
        )
        store, schema = Store(folder, provenance, int(manifest["dim"])), manifest["schema"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        damaged(path, error)
    if schema != SCHEMA:
        raise StoreError(
            f"{str(path)!r} has schema {schema!r}, this version reads {SCHEMA}: embed again, or update Mirante."
        )
    if encoder is not None:
        store.check(encoder)
    return store


def open_to_write(folder: Folder, encoder: Encoder) -> Store:
    """Open a folder to fill it, with its manifest written first where it is new.

    Raises:
        ModelMismatch: another model made it.
        StoreError: the manifest is damaged or cannot be written.
    """
    with folder.claimed(MANIFEST):
        if not folder.has(MANIFEST):
            store = Store(folder.path, encoder.provenance, encoder.dim, folder)
            _write_manifest(store, folder)
    return replace(open_store(folder.path, encoder), writer=folder)


def describe(store: Store, folder: Folder) -> None:
    """Bring the manifest's list of data up to date with the listings."""
    with folder.claimed(MANIFEST):
        _write_manifest(store, folder)


def _write_manifest(store: Store, folder: Folder) -> None:
    space = {name: value for name, value in asdict(store.provenance).items() if name != "data"}
    data = [{k: v for k, v in asdict(one).items() if k != "schema"} | {"file": one.file} for one in store.listings]
    manifest = {"schema": SCHEMA, **space, "dim": store.dim, "data": data}
    folder.write(MANIFEST, [json.dumps(manifest, indent=2).encode(), b"\n"])


def _check(what: str, value: str | None, valid: Iterable[str]) -> None:
    valid = set(valid)
    if value is not None and value not in valid:
        raise UnknownName(what, value, valid)


def _label(one: Provenance, other: Provenance) -> str:
    revision = f"@{one.revision}" if one.revision != other.revision else ""
    preprocessing = f" (preprocessing {one.preprocessing})" if one.preprocessing != other.preprocessing else ""
    return f"{one.model}{revision}{preprocessing}"
