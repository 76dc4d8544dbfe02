"""Embed a data set into a folder, or pairs into memory: streamed, resumable, nothing encoded twice."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, runtime_checkable
from typing import Protocol as Interface

from mirante.embeddings.filling import DEFAULTS, Engine, Part, Settings, fill, image_part, text_part
from mirante.embeddings.folder import Folder
from mirante.embeddings.listing import KINDS, Draft, Kind, Listing, fingerprint, text_content
from mirante.embeddings.local import LOCAL
from mirante.embeddings.seen import Seen
from mirante.embeddings.shelf import Memory, Shelf
from mirante.embeddings.store import Store, describe, open_to_write
from mirante.errors import DataError
from mirante.progress import track
from mirante.types import Dataset, Embeddings, Encoder, Item, Pairs


@runtime_checkable
class Counted(Interface):
    """A data set that can tell how many items a split has without reading it, so that progress can tell the end."""

    def count(self, split: str) -> int | None:
        """Number of items, None when unknown."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a call did; rows that another worker made meanwhile count as reused.

    Args:
        images: images encoded now, images that took a row encoded before, images that cannot be read.
        texts: captions encoded now, captions that took a row encoded before.
        unreadable: image id → reason.
        seconds: wall time.
        out: the folder.
    """

    images: dict[str, int]
    texts: dict[str, int]
    unreadable: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    out: str = ""

    @property
    def rate(self) -> float:
        """Images encoded per second."""
        return self.images["embedded"] / self.seconds if self.seconds > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The document of `mirante embed --json`."""
        unreadable = [{"id": one, "reason": reason} for one, reason in self.unreadable.items()]
        return {"schema": 1, **asdict(self), "unreadable": unreadable, "rate": self.rate}


def embed(
    dataset: Dataset, encoder: Encoder, folder: Path, settings: Settings = DEFAULTS, *, engine: Engine = LOCAL
) -> Report:
    """Embed every image and caption of `dataset` into `folder`.

    A killed call is finished by the same call, to the same bytes; the same call in several processes shares the work.
    Another engine gives the same bytes where it computes alike.

    Raises:
        ModelMismatch: the folder belongs to another model.
        StoreError: the disk is full, or a file of the folder is damaged.
        DataError: an id occurs twice.
        UnknownName: the data set has no such split.
    """
    start = time.monotonic()
    splits = dataset.splits if settings.split is None else (settings.split,)
    for split in splits:
        next(_items(dataset, split, settings), None)  # a wrong split or language is refused before a file is written
    images: Counter[str] = Counter(embedded=0, reused=0, unreadable=0)
    texts: Counter[str] = Counter(embedded=0, reused=0)
    unreadable: dict[str, str] = {}
    with Folder(folder) as files:
        store = open_to_write(files, encoder)
        for split in splits:
            head, encoded = _embed_split(
                dataset, split, encoder, store=store, files=files, settings=settings, engine=engine
            )
            lost = store.lost(head)
            unreadable |= lost
            images.update(embedded=encoded["images"], unreadable=len(lost))
            images.update(reused=head.images - len(lost) - encoded["images"])
            texts.update(embedded=encoded["texts"], reused=(head.captions if head.texts else 0) - encoded["texts"])
    return Report(dict(images), dict(texts), unreadable, time.monotonic() - start, str(folder))


def embed_pairs(
    pairs: Pairs, encoder: Encoder, folder: Path | None = None, *, settings: Settings = DEFAULTS
) -> tuple[Embeddings, Embeddings, dict[str, str]]:
    """Embed pairs: the rows of their readable images, of all their captions, and image id → why it is unreadable.

    Args:
        pairs: images and captions.
        encoder: the model.
        folder: keep rows there for the next time; None, or `settings.cache` false, keeps them in memory only.
        settings: batch, shard and workers; split, language, limit and texts do not apply.

    Raises:
        ModelMismatch: the folder belongs to another model.
        StoreError: the disk is full, or a file of the folder is damaged.
    """
    with ExitStack() as stack:
        shelves: dict[Kind, Shelf] = {kind: Memory(encoder.dim) for kind in KINDS}
        if folder is not None and settings.cache:
            store = open_to_write(stack.enter_context(Folder(folder)), encoder)
            shelves = {kind: store.shelf(kind) for kind in KINDS}
        contents: dict[Kind, dict[str, str]] = {
            "images": {one.id: one.content for one in pairs.images},
            "texts": {one.id: text_content(one.text) for one in pairs.captions},
        }
        total = len(pairs.images) + len(pairs.captions)
        fill(
            shelves,
            encoder,
            track(_pair_parts(pairs), f"embed {pairs.name}", total=total),
            again=lambda: _pair_parts(pairs),
            contents=lambda kind: contents[kind].values(),
            settings=settings,
            engine=LOCAL,
        )
        reasons = shelves["images"].unreadable()
        unreadable = {one: reasons[content] for one, content in contents["images"].items() if content in reasons}
        readable = {one: content for one, content in contents["images"].items() if one not in unreadable}
        images = _rows(shelves["images"], readable, encoder)
        texts = _rows(shelves["texts"], contents["texts"], encoder)
    return images, texts, unreadable


def _embed_split(
    dataset: Dataset,
    split: str,
    encoder: Encoder,
    *,
    store: Store,
    files: Folder,
    settings: Settings,
    engine: Engine,
) -> tuple[Listing, Counter[Kind]]:
    """Fill the shelves with one split and write its listing; its head, and how many contents were encoded."""
    head = Listing(dataset.name, dataset.revision, split, settings.language, settings.texts, own=not settings.cache)
    _start_anew(store, files, head)
    kinds = KINDS if settings.texts else ("images",)
    with Draft(files, head) as draft:
        items = _items(dataset, split, settings)
        items = track(items, f"embed {head.data}:{split}", total=_total(dataset, split, settings), unit="images")
        encoded = fill(
            {kind: store.shelf(head.shelf(kind)) for kind in kinds},
            encoder,
            _parts(_listed(items, draft)),
            again=lambda: _parts(_items(dataset, split, settings)),
            contents=lambda kind: (content for row in draft.rows() for _, content in row.contents(kind)),
            settings=settings,
            engine=engine,
        )
        draft.finish()
    describe(store, files)
    if not head.own:
        _clear(store, replace(head, own=True))
    return draft.head, encoded


def _start_anew(store: Store, files: Folder, head: Listing) -> None:
    """Without the cache, forget what an earlier call of this kind finished; what a killed one left is taken up."""
    if head.own and any(one.key == head.key and one.own for one in store.listings):
        files.remove(head.file)
        _clear(store, head)


def _clear(store: Store, own: Listing) -> None:
    for kind in KINDS:
        store.shelf(own.shelf(kind)).clear()


def _total(dataset: Dataset, split: str, settings: Settings) -> int | None:
    """How many images will be read, None when the data set cannot tell."""
    known = dataset.count(split) if isinstance(dataset, Counted) else None
    return min((n for n in (known, settings.limit) if n is not None), default=None)


def _items(dataset: Dataset, split: str, settings: Settings) -> Iterator[Item]:
    return islice(dataset.items(split, settings.language), settings.limit)


def _listed(items: Iterable[Item], draft: Draft) -> Iterator[Item]:
    """The items, each written down as it passes.

    Raises:
        DataError: an id occurs twice.
    """
    images, captions = Seen(), Seen()
    for item in items:
        fresh = chain([images.add(item.picture.id)], (captions.add(one.id) for one in item.captions))
        if not all(fresh):
            raise DataError(
                f"The id of image {item.picture.id!r} or of one of its captions occurs twice in {draft.head.data!r}: "
                f"give each image and each caption its own id."
            )
        draft.add(item)
        yield item


def _parts(items: Iterable[Item]) -> Iterator[Part]:
    for item in items:
        yield image_part(item.picture)
        yield from map(text_part, item.captions)


def _pair_parts(pairs: Pairs) -> Iterator[Part]:
    return chain(map(image_part, pairs.images), map(text_part, pairs.captions))


def _rows(shelf: Shelf, contents: dict[str, str], encoder: Encoder) -> Embeddings:
    data = fingerprint(contents.items())
    return Embeddings(tuple(contents), shelf.vectors(list(contents.values())), replace(encoder.provenance, data=data))
