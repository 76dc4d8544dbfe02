"""The open galleries by name: each whole, with its model, exchanged in one step while requests go on."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias
from weakref import WeakValueDictionary

from mirante import rerankers
from mirante.errors import ServiceError, UnknownName, UsageError
from mirante.rerankers import Candidates, Reranker
from mirante.search import Gallery, generations
from mirante.search.gallery import require_same_space
from mirante.service.batching import Batcher, Observer
from mirante.service.settings import ServiceConfig
from mirante.types import Encoder, Vectors

Load: TypeAlias = Callable[[str], Encoder]
Writes: TypeAlias = Callable[[Gallery], object]


@dataclass(frozen=True)
class Shelved:
    """A gallery that is open. Who holds it goes on with it, also after another took its place.

    Args:
        name: that requests use.
        gallery: what is searched.
        encoder: of its model; shared by the galleries of that model.
        rerankers: by the names that the configuration gives them.
    """

    name: str
    gallery: Gallery
    encoder: Batcher
    rerankers: Mapping[str, Reranker] = field(default_factory=dict)

    def chain(self, names: Sequence[str]) -> tuple[Reranker, ...]:
        """Re-rankers by name, in that order.

        Raises:
            UnknownName: the configuration has none of that name, or the gallery holds texts.
        """
        for name in names:
            if name not in self.rerankers:
                raise UnknownName("re-ranker", name, self.rerankers)
        return tuple(self.rerankers[name] for name in names)


@dataclass(frozen=True)
class InTurn:
    """A re-ranker that works in its encoder's thread: it shares the model, and no model is safe in several."""

    reranker: Reranker
    encoder: Batcher

    @property
    def name(self) -> str:
        """Of the re-ranker."""
        return self.reranker.name

    def score(self, candidates: Candidates) -> Vectors:
        """Its scores, when its turn has come.

        Raises:
            ServiceError: see `Batcher.encode_texts`.
        """
        return self.encoder.call(lambda: self.reranker.score(candidates))


class Shelf:
    """Galleries by name.

    Args:
        config: what to open.
        load: opens a model's address.
        observer: is told of each call of an encoder.
    """

    def __init__(self, config: ServiceConfig, load: Load, observer: Observer = lambda *_: None) -> None:
        self._config, self._load, self._observer = config, load, observer
        self._encoders: WeakValueDictionary[tuple[str, str], Batcher] = WeakValueDictionary()
        self._writing = {name: threading.Lock() for name in config.indexes}
        self._open: dict[str, Shelved] = {}
        for name, folder in config.indexes.items():
            self._open[name] = self._opened(name, Path(folder))

    def __iter__(self) -> Iterator[Shelved]:
        return iter(list(self._open.values()))

    def get(self, name: str | None) -> Shelved:
        """The gallery of that name; the first one for None.

        Raises:
            ServiceError: 404, there is none.
        """
        found = next(iter(self._open.values())) if name is None else self._open.get(name)
        if found is None:
            known = ", ".join(self._open)
            raise ServiceError(404, "unknown-index", f"There is no index {name!r}: use one of {known}.")
        return found

    def swap(self, name: str, folder: Path) -> Shelved:
        """Open the gallery in `folder` whole, then put it in the place of `name`; until then the old one answers.

        Raises:
            ServiceError: 404, no index of that name; 403, the folder may not be served.
            StoreError: there is no gallery, it is damaged, or of another version.
            ModelMismatch: its model is not the one that made its rows.
        """
        old = self.get(name)
        self._require_root(folder, old.gallery.folder)
        with self._writing[name]:
            self._open[name] = new = self._opened(name, folder)
        return new

    def write(self, name: str, change: Writes) -> Shelved:
        """Change a gallery, one change at a time; it is on the disk when this returns.

        What another process wrote meanwhile is opened first.

        Raises:
            StoreError: the disk cannot be written.
        """
        with self._writing[self.get(name).name]:
            old = self.get(name)
            if generations.read(old.gallery.folder)["generation"] != old.gallery.manifest.generation:
                old = self._open[name] = replace(old, gallery=Gallery.open(old.gallery.folder))
            change(old.gallery)
            return old

    def _opened(self, name: str, folder: Path) -> Shelved:
        inner = folder / "index"
        gallery = Gallery.open(inner if (inner / generations.INDEX).is_file() else folder)
        encoder = self._encoder(self._config.models.get(name, gallery.provenance.model), gallery)
        again = {
            one: InTurn(rerankers.chain((address,), encoder.encoder)[0], encoder)
            for one, address in self._config.rerank.items()
        }
        return Shelved(name, gallery, encoder, again if gallery.holds == "images" else {})

    def _encoder(self, address: str, gallery: Gallery) -> Batcher:
        made = gallery.provenance
        known = self._encoders.get((made.revision, made.preprocessing))
        if known is None:
            known = Batcher(self._load(address), self._config.limits, self._observer)
            require_same_space(made, known.provenance)
            self._encoders[made.revision, made.preprocessing] = known
        return known

    def _require_root(self, folder: Path, old: Path) -> None:
        roots = [Path(one).resolve() for one in self._config.roots] or [old.resolve().parent]
        if not any(folder.resolve().is_relative_to(root) for root in roots):
            listed = ", ".join(map(repr, map(str, roots)))
            told = f"The folder {str(folder)!r} is not below {listed}: move it, or name its root in `roots`."
            raise ServiceError(403, "outside", told)


def parse_indexes(given: list[str]) -> dict[str, str]:
    """Names and folders from `FOLDER` and `NAME=FOLDER`; a folder `birds/index` is named `birds`.

    Raises:
        UsageError: two have one name.

    Example:
        >>> parse_indexes(["runs/birds/index", "art=runs/wikiart"])
        {'birds': 'runs/birds/index', 'art': 'runs/wikiart'}
    """
    found: dict[str, str] = {}
    for one in given:
        name, equals, folder = one.partition("=")
        if not equals:
            path = Path(one).resolve()
            name, folder = path.parent.name if path.name == "index" else path.name, one
        if name in found:
            raise UsageError(f"Two indexes are named {name!r}: give one as NAME=FOLDER.")
        found[name] = folder
    return found
