"""States of a gallery below the guided layers, in a folder: computed once for each picture, fp16, read by content.

`manifest.json` names the base and the layer. Each `states-*.safetensors` holds `tokens` (B, n, w) fp16 and, where a
base pads its pictures (NaFlex), `seen` (B, n) bool; its header, as JSON, the B contents with a checksum each, and the
contents that could not be read with the reason. Shards are memory-mapped: a query reads the rows of its candidates.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self
from zlib import crc32

import torch
from safetensors import SafetensorError, safe_open

from mirante.encoders._prompted import Hidden
from mirante.errors import StoreError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from mirante.rerankers._guided_matcher import AnyGuided

SCHEMA = 1
MANIFEST, HEADER = "manifest.json", "mirante"


@dataclass(frozen=True)
class Origin:
    """What states belong to: the base that saw the pictures, and how far they went through it.

    Args:
        model: address of the base.
        revision: commit or hash of its weights.
        preprocessing: fingerprint of everything between a picture and its network.
        entry: layers that were passed.
    """

    model: str
    revision: str
    preprocessing: str
    entry: int

    @classmethod
    def of(cls, guided: "AnyGuided") -> Self:
        """What the states of a guide's pictures belong to; the guide's own weights have no part in them."""
        made = guided.encoder.provenance
        return cls(made.model, made.revision, made.preprocessing, guided.guiding.entry)


class States:
    """A folder of states, open to be read.

    Args:
        folder: where they are.
        guided: what reads them: rows go to its device, in its number format.

    Raises:
        UsageError: another base made them, or they end at another layer.
        StoreError: a file is damaged or of another version.
    """

    def __init__(self, folder: Path, guided: "AnyGuided") -> None:
        _check(folder, Origin.of(guided))
        self._to = (guided.encoder.device, guided.encoder.module.dtype)
        self._places: dict[str, _Place] = {}
        self.unreadable: dict[str, str] = {}
        for path in sorted(folder.glob("states-*.safetensors")):
            header = _header(path)
            rows = zip(header["contents"], header["checks"], strict=True)
            self._places |= {content: _Place(path, row, check) for row, (content, check) in enumerate(rows)}
            self.unreadable |= header["unreadable"]

    def known(self) -> Iterator[str]:
        """Every content that needs no work: it is stored, or cannot be read."""
        yield from (*self._places, *self.unreadable)

    def find(self, contents: Sequence[str]) -> dict[str, Hidden]:
        """The states of those contents that are stored, one picture each.

        Raises:
            StoreError: a file is damaged.
        """
        wanted: dict[Path, list[str]] = {}
        for content in contents:
            if content in self._places:
                wanted.setdefault(self._places[content].path, []).append(content)
        return {content: one for path, some in wanted.items() for content, one in self._read(path, some)}

    def _read(self, path: Path, contents: list[str]) -> Iterator[tuple[str, Hidden]]:
        try:
            with safe_open(path, framework="pt") as file:
                masked = "seen" in set(file.keys())
                tokens, seen = file.get_slice("tokens"), file.get_slice("seen") if masked else None
                for content in contents:
                    row = slice(self._places[content].row, self._places[content].row + 1)
                    one = Hidden(tokens[row], None if seen is None else seen[row])
                    if checksum(one) != self._places[content].check:
                        damaged(path, None)
                    yield content, self._moved(one)
        except (SafetensorError, OSError) as error:
            damaged(path, error)

    def _moved(self, one: Hidden) -> Hidden:
        device, dtype = self._to
        return Hidden(one.tokens.to(device, dtype), None if one.seen is None else one.seen.to(device))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the states of a picture are, and their checksum."""

    path: Path
    row: int
    check: int


def beside(guide: Path) -> Path:
    """Where the states of a guide's pictures are looked for: `FOLDER-states` beside its `FOLDER`."""
    home = guide.resolve()
    return home.with_name(f"{home.name}-states")


def open_states(folder: Path, guided: "AnyGuided") -> States | None:
    """The states in `folder`, None where there are none.

    Raises:
        UsageError: another base made them, or they end at another layer.
        StoreError: a file is damaged or of another version.
    """
    return States(folder, guided) if (folder / MANIFEST).exists() else None


def manifest(origin: Origin) -> bytes:
    """The bytes of `manifest.json`."""
    return json.dumps({"schema": SCHEMA, **asdict(origin)}, indent=1).encode() + b"\n"


def checksum(one: Hidden) -> int:
    """CRC-32 of a picture's states, (1, n, w) fp16."""
    return crc32(_bytes(one.tokens), 0 if one.seen is None else crc32(_bytes(one.seen)))


def damaged(path: Path, error: Exception | None) -> NoReturn:
    """Say that the file `path` is damaged and how to mend it.

    Raises:
        StoreError: always.
    """
    raise StoreError(
        f"{str(path)!r} is damaged ({error or 'its checksum differs'}): delete that file and run the same "
        "`mirante elip states` command again, only its part is computed anew."
    ) from error


def _check(folder: Path, wanted: Origin) -> None:
    """Refuse states of another base or layer."""
    path = folder / MANIFEST
    try:
        plain: dict[str, Any] = json.loads(path.read_bytes())
        schema, found = plain.pop("schema"), Origin(**plain)
    except (OSError, ValueError, KeyError, TypeError) as error:
        damaged(path, error)
    remedy = f"delete the folder {str(folder)!r} and run `mirante elip states` again, or do without"
    if schema != SCHEMA:
        raise StoreError(f"{str(path)!r} has schema {schema!r}, this version reads {SCHEMA}: {remedy}.")
    if (found.revision, found.preprocessing) != (wanted.revision, wanted.preprocessing):
        raise UsageError(
            f"The states in {str(folder)!r} were computed by {_label(found)}, not by {_label(wanted)}: {remedy}."
        )
    if found.entry != wanted.entry:
        raise UsageError(
            f"The states in {str(folder)!r} end below layer {found.entry}, the guide enters at layer {wanted.entry}: "
            f"{remedy}."
        )


def _header(path: Path) -> dict[str, Any]:
    try:
        with safe_open(path, framework="pt") as file:
            header: dict[str, Any] = json.loads((file.metadata() or {})[HEADER])
            shape = file.get_slice("tokens").get_shape()
        contents, unreadable, checks = header["contents"], header["unreadable"], header["checks"]
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        damaged(path, error)
    if not shape[0] == len(contents) == len(checks) or not isinstance(unreadable, dict):
        damaged(path, ValueError(f"{len(contents)} contents for {shape[0]} rows"))
    return header


def _label(one: Origin) -> str:
    return f"{one.model}@{one.revision} (preprocessing {one.preprocessing})"


def _bytes(tensor: "Tensor") -> Any:
    return tensor.contiguous().view(torch.uint8).numpy()
