"""Compute the states of a gallery once and store them: their size is known before, a killed run goes on, workers share.

Shard k covers the pictures [k·S, (k+1)·S) of the input, and no batch crosses its end: the same input gives the same
bytes, however often the work is cut off and taken up.
"""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image
from safetensors.torch import save

from mirante.digests import short
from mirante.disk import disk
from mirante.embeddings.folder import Folder
from mirante.encoders import Settings
from mirante.encoders._dual import DualEncoder
from mirante.encoders._prompted import Hidden
from mirante.encoders._qformer import open_qformer
from mirante.errors import ModelError, StoreError, UnreadableImage
from mirante.progress import track
from mirante.rerankers._guided_files import describe, read
from mirante.rerankers._stored import HEADER, MANIFEST, Origin, States, checksum, manifest
from mirante.types import Encoder, Picture

if TYPE_CHECKING:
    from mirante.rerankers._guided_matcher import AnyGuided

SHARD, WORKERS = 64, 4


@dataclass(frozen=True)
class Plan:
    """What is to be stored, before anything is.

    Args:
        pictures: of different contents.
        stored: of these, those that need no work any more.
        bytes: of the states of all.
        entry: layers below the guided ones.
        layers: of the whole tower.
        out: the folder.
    """

    pictures: int
    stored: int
    bytes: int
    entry: int
    layers: int
    out: Path


@dataclass(frozen=True)
class Report:
    """What a call did.

    Args:
        plan: what was to be stored.
        pictures: `stored` now, `reused` from before or from another worker, and `unreadable`.
        unreadable: picture id → reason.
        seconds: wall time.
    """

    plan: Plan
    pictures: dict[str, int]
    unreadable: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The document of `mirante elip states --json`."""
        told = {key: value for key, value in asdict(self.plan).items() if key not in ("pictures", "stored", "out")}
        unreadable = [{"id": one, "reason": reason} for one, reason in self.unreadable.items()]
        head = {"schema": 1, "pictures": self.pictures, "unreadable": unreadable}
        return {**head, **told, "seconds": self.seconds, "out": str(self.plan.out)}


def open_guide(
    folder: Path, load: Callable[[str], Encoder], *, model: str | None = None, device: str = "auto"
) -> "AnyGuided":
    """The guide in `folder` over its base, which `load` opens; a BLIP-2 that it brings with it runs on `device`.

    Args:
        folder: as training left it.
        load: opens a model by its address.
        model: where the base is now; None for where it was trained.
        device: of a base that the guide brings.

    Raises:
        UsageError: there is no guide, its base is not where it was, or the model is another one.
        ModelError: the guide is damaged, or the model has no image tower that can be guided.
    """
    notes = describe(folder)
    if notes.kind == "matching":
        base: Encoder = open_qformer(model or notes.base, Settings(device=device, revision=notes.revision))
    else:
        base = load(model or notes.base)
    if not isinstance(base, DualEncoder):
        raise ModelError(
            f"{model or notes.base!r} has no image tower that a guide can guide: use its base {notes.base!r}."
        )
    return read(folder, base)[0]


class Storing:
    """The states of a gallery under one guide's base and layer.

    Args:
        guided: sees the pictures.
        folder: where their states go; made when the first is stored.
        pictures: the gallery; equal contents are stored once.

    Raises:
        UsageError: the folder holds states of another base or layer.
        StoreError: a file of it is damaged.
    """

    def __init__(self, guided: "AnyGuided", folder: Path, pictures: Sequence[Picture]) -> None:
        self.guided, self.folder, self.given = guided, folder, pictures
        self._distinct = list({one.content: one for one in pictures}.values())
        known = set(States(folder, guided).known()) if (folder / MANIFEST).exists() else set()
        like = guided.see([Image.new("RGB", (64, 64))])
        each = like.tokens[0].numel() * 2 + (0 if like.seen is None else like.seen[0].numel())
        entry = guided.guiding.entry
        self.plan = Plan(
            pictures=len(self._distinct),
            stored=sum(one.content in known for one in self._distinct),
            bytes=len(self._distinct) * each,
            entry=entry,
            layers=entry + guided.tower.above,
            out=folder,
        )
        self._none = _half(like, ["blank"])[:0]

    def run(self) -> Report:
        """Store what is missing; a killed call is finished by the same call, to the same bytes.

        Raises:
            StoreError: the disk is full, or has not the room.
            ModelError: states are too large for fp16.
        """
        start, stored, waits = time.monotonic(), 0, True
        self._room()
        with Folder(self.folder) as files, ThreadPoolExecutor(WORKERS, thread_name_prefix="decode") as pool:
            with files.claimed(MANIFEST):
                if not files.has(MANIFEST):
                    files.write(MANIFEST, [manifest(Origin.of(self.guided))])
            while waits:
                done, waits = self._pass(files, pool)
                stored += done
        reasons = States(self.folder, self.guided).unreadable
        lost = {one.id: reasons[one.content] for one in self.given if one.content in reasons}
        unreadable = sum(one.content in reasons for one in self._distinct)
        counts = {"stored": stored, "reused": self.plan.pictures - stored - unreadable, "unreadable": unreadable}
        return Report(self.plan, counts, lost, time.monotonic() - start)

    def _pass(self, files: Folder, pool: Executor) -> tuple[int, bool]:
        """Store what nobody has in hand: how many pictures, and whether there was something that others had."""
        known, elsewhere, stored = set(States(self.folder, self.guided).known()), [], 0
        parts = [self._distinct[at : at + SHARD] for at in range(0, len(self._distinct), SHARD)]
        for part in track(parts, "store states", total=len(self._distinct), unit="pictures", size=len):
            new = [one for one in part if one.content not in known]
            if not new:
                continue
            name = f"states-{short(new[0].content)}.safetensors"
            if files.has(name) or not files.claim(name):
                elsewhere.append(name)
                continue
            if not files.has(name):  # another worker may have ended it just before the claim
                stored += self._shard(files, name, new, pool)
            files.release(name)
        for name in elsewhere:
            files.wait(name)
        return stored, bool(elsewhere)

    def _room(self) -> None:
        """Refuse what the disk cannot hold."""
        home = next(one for one in (self.folder, *self.folder.parents) if one.exists())
        with disk(home):
            free = shutil.disk_usage(home).free
        needed = self.plan.bytes * (self.plan.pictures - self.plan.stored) // max(1, self.plan.pictures)
        if needed > free:
            raise StoreError(
                f"The states take {needed / 1e9:.1f} GB more and {str(home)!r} has {free / 1e9:.1f} GB free: free some "
                f"space, store a part (--limit), or make {str(self.folder)!r} a link to a larger disk."
            )

    def _shard(self, files: Folder, name: str, pictures: list[Picture], pool: Executor) -> int:
        """Write the states of some pictures as one file; how many could be read."""
        size, parts, contents = min(self.guided.encoder.batch, SHARD), [self._none], []
        unreadable: dict[str, str] = {}
        for at in range(0, len(pictures), size):
            loaded = list(zip(pictures[at : at + size], pool.map(_load, pictures[at : at + size]), strict=True))
            unreadable |= {one.content: image for one, image in loaded if isinstance(image, str)}
            images = [image for _, image in loaded if not isinstance(image, str)]
            if images:
                contents += [one.content for one, image in loaded if not isinstance(image, str)]
                parts.append(_half(self.guided.see(images), contents[-len(images) :]))
        found = Hidden.join(parts)
        checks = [checksum(found[row : row + 1]) for row in range(len(found))]
        tensors = {"tokens": found.tokens} | ({} if found.seen is None else {"seen": found.seen})
        header = json.dumps({"contents": contents, "checks": checks, "unreadable": unreadable})
        files.write(name, [save(tensors, {HEADER: header})])
        return len(contents)


def _load(picture: Picture) -> Image.Image | str:
    """The picture, or why it cannot be read."""
    try:
        return picture.load()
    except UnreadableImage as error:
        return error.reason


def _half(seen: Hidden, contents: Sequence[str]) -> Hidden:
    """States as they are stored.

    Raises:
        ModelError: one is beyond the range of fp16.
    """
    tokens = seen.tokens.to("cpu", torch.float16)
    finite = tokens.isfinite().all(dim=2).all(dim=1)
    if not finite.all():
        bad = contents[int((~finite).nonzero()[0])]
        raise ModelError(
            f"The states of the picture with the content {bad!r} are beyond fp16 (more than 65,504): this base cannot "
            "store its states; re-rank without them."
        )
    return Hidden(tokens, None if seen.seen is None else seen.seen.cpu())
