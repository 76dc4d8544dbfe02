"""A service over squares of one colour under the toy encoder, whose rows are exact, and a key for each scope."""

import io
from pathlib import Path

from PIL import Image

from mirante import encoders
from mirante.search import Entry, Gallery
from mirante.service import Key, Limits, ServiceConfig
from mirante.types import Embeddings

KEYS = {scope: scope[0] * 32 for scope in ("search", "write", "admin", "metrics")}
ENVIRONMENT = {f"KEY_{scope}": key for scope, key in KEYS.items()}
COLOURS = {"red": 1999, "green": 2001, "blue": 2001}


def key(scope: str) -> dict[str, str]:
    """The header of the key that opens one scope."""
    return {"Authorization": f"Bearer {KEYS[scope]}"}


def png(colour: str, size: tuple[int, int] = (8, 8)) -> bytes:
    """An encoded picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


def squares(folder: Path, colours: dict[str, int] = COLOURS) -> Path:
    """A gallery of squares under the toy encoder: each is exactly one axis."""
    toy = encoders.load("toy")
    rows = Embeddings(
        tuple(colours), toy.encode_images([Image.new("RGB", (8, 8), one) for one in colours]), toy.provenance
    )
    entries = [Entry(one, (f"a {one} square",), {"year": year}) for one, year in colours.items()]
    return Gallery.create(folder, "exact", rows, entries).folder


def texts(folder: Path) -> Path:
    """A gallery of two texts under the toy encoder."""
    toy = encoders.load("toy")
    said = {"t1": "a red ball", "t2": "uma bola azul"}
    rows = Embeddings(tuple(said), toy.encode_texts(list(said.values())), toy.provenance)
    made = Gallery.create(folder, "exact", rows, [Entry(one, (text,)) for one, text in said.items()], holds="texts")
    return made.folder


def settings(folder: Path, **changes: object) -> ServiceConfig:
    """Squares and texts, and a key for each scope."""
    keys = tuple(Key(f"KEY_{scope}", (scope,)) for scope in KEYS)
    known = {"limits": Limits(wait_ms=0, seconds=10), "keys": keys, **changes}
    return ServiceConfig({"squares": str(squares(folder / "squares")), "texts": str(texts(folder / "texts"))}, **known)
