"""What was written, in a file of JSON lines or CSV, or in side-cars beside pictures; a killed run goes on in it.

A line is added when its batch is done, and a line that a kill cut off is taken away. `OUT.run.json` says which model
wrote with which settings. Pictures are never opened for writing, so their EXIF and XMP stay as they are.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mirante.captioning.writing import Described
from mirante.disk import disk
from mirante.errors import UsageError

FIELDS = ("id", "image", "caption")
LISTED = "captions.jsonl"
"""In a folder of side-cars, what was written there."""


class Lines:
    """A file of one line a picture, `.jsonl` or `.csv`.

    Args:
        path: of the file.
        run: what makes it: model, revision, settings.
        restart: forget what an earlier run left.

    Raises:
        UsageError: it has another ending, or holds captions of another run.
        StoreError: the disk is full or refuses.
    """

    def __init__(self, path: Path, run: Mapping[str, Any], *, restart: bool = False) -> None:
        if path.suffix.lower() not in (".jsonl", ".csv"):
            raise UsageError(f"{str(path)!r} is neither .jsonl nor .csv: give the file of the captions such a name.")
        self.path, self._csv = path, path.suffix.lower() == ".csv"
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _claim(path, run, restart=restart)
            if restart:
                path.unlink(missing_ok=True)
                _cost(path).unlink(missing_ok=True)
            _mend(path)
        self.captions = dict(self._read())

    @property
    def done(self) -> frozenset[str]:
        """Ids of the pictures that need nothing more."""
        return frozenset(self.captions)

    def add(self, batch: Iterable[Described]) -> None:
        """Write the captions of a batch, so that they outlive a kill.

        Raises:
            StoreError: the disk is full or refuses.
        """
        rows = [self._row(one) for one in batch if not one.reason]
        with disk(self.path), self.path.open("a", encoding="utf-8", newline="") as file:
            if self._csv and file.tell() == 0:
                csv.writer(file).writerow(FIELDS)
            file.write("".join(map(self._line, rows)))
            file.flush()
            os.fsync(file.fileno())
        self.captions |= {row["id"]: row["caption"] for row in rows}

    def _row(self, one: Described) -> dict[str, str]:
        path = one.picture.path
        near = os.path.relpath(path, self.path.parent) if path else ""
        return {"id": one.picture.id, "image": near, "caption": one.caption}

    def _line(self, row: Mapping[str, str]) -> str:
        if not self._csv:
            plain = {name: row[name] for name in FIELDS if row[name] or name != "image"}
            return json.dumps(plain, ensure_ascii=False) + "\n"
        line = io.StringIO(newline="")
        csv.writer(line).writerow([row[name] for name in FIELDS])
        return line.getvalue()

    def _read(self) -> Iterator[tuple[str, str]]:
        if not self.path.is_file():
            return
        with self.path.open(encoding="utf-8", newline="") as file:
            rows: Iterable[Any] = csv.DictReader(file) if self._csv else map(json.loads, file)
            for row in rows:
                yield str(row["id"]), str(row["caption"])


class SideCars:
    """A `.txt` for each picture, of the picture's own name, under a folder; those of other hands are left alone.

    Args:
        folder: where they go: that of the pictures to put them beside.
        run: what makes them.
        restart: take away those that an earlier run wrote.

    Raises:
        UsageError: the folder holds captions of another run.
        StoreError: the disk is full or refuses.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any], *, restart: bool = False) -> None:
        self.folder, listed = folder, folder / LISTED
        if restart and listed.is_file():
            for one in _ids(listed):
                self.file(one).unlink(missing_ok=True)
        self._lines = Lines(listed, run, restart=restart)
        self.kept = 0

    @property
    def done(self) -> frozenset[str]:
        """Ids of the pictures that need nothing more."""
        return self._lines.done

    @property
    def captions(self) -> Mapping[str, str]:
        """Picture id → what was written."""
        return self._lines.captions

    @property
    def path(self) -> Path:
        """The folder."""
        return self.folder

    def add(self, batch: Iterable[Described]) -> None:
        """Write the side-cars of a batch, then list them.

        Raises:
            UsageError: the id of a picture leads out of the folder.
            StoreError: the disk is full or refuses.
        """
        written = []
        for one in batch:
            if one.reason:
                continue
            target = self.file(one.picture.id)
            if target.exists():
                self.kept += 1
                continue
            part = target.with_name(f".{target.name}.part")
            with disk(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                part.write_text(one.caption + "\n", encoding="utf-8")
                part.replace(target)
            written.append(one)
        self._lines.add(written)

    def file(self, identity: str) -> Path:
        """The side-car of a picture.

        Raises:
            UsageError: it would lie outside of the folder.
        """
        target = (self.folder / identity).with_suffix(".txt")
        if not target.resolve().is_relative_to(self.folder.resolve()):
            raise UsageError(
                f"The side-car of {identity!r} would lie outside of {str(self.folder)!r}: write a .jsonl file instead."
            )
        return target


def open_records(out: Path, run: Mapping[str, Any], *, restart: bool = False) -> Lines | SideCars:
    """A file of lines where `out` ends with .jsonl or .csv, else side-cars in that folder."""
    kind = Lines if out.suffix.lower() in (".jsonl", ".csv") else SideCars
    return kind(out, run, restart=restart)


@dataclass(frozen=True)
class Taken:
    """What captions took over all starts.

    Args:
        captions: how many.
        seconds: from reading the pictures to the words on the disk.
        device: the last one.
        usd_per_hour: its price, 0 where it is not known.
    """

    captions: int
    seconds: float
    device: str
    usd_per_hour: float = 0.0

    @property
    def each(self) -> float | None:
        """Seconds of one caption, None where none was written."""
        return self.seconds / self.captions if self.captions else None


def add_taken(out: Path, more: Taken) -> Taken:
    """Add what a start took to what earlier ones of the same run did, in `OUT.cost.json`.

    Args:
        out: the file, or the folder of side-cars.
        more: of this start.

    Raises:
        StoreError: the disk is full or refuses.
    """
    path, known = _cost(out), taken(out)
    whole = more
    if known:
        whole = replace(more, captions=more.captions + known.captions, seconds=more.seconds + known.seconds)
    with disk(path):
        path.write_text(json.dumps(asdict(whole)), encoding="utf-8")
    return whole


def taken(out: Path) -> Taken | None:
    """What the captions of `out` took, None where nobody knows."""
    path = _cost(out)
    return Taken(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def made(out: Path) -> dict[str, Any] | None:
    """Which model wrote the captions of `out` with which settings, None where nobody knows."""
    path = _note(_list(out))
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def _list(out: Path) -> Path:
    return out / LISTED if out.is_dir() else out


def _cost(out: Path) -> Path:
    own = _list(out)
    return own.with_name(f"{own.name}.cost.json")


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.run.json")


def _ids(path: Path) -> list[str]:
    _mend(path)
    return [str(json.loads(line)["id"]) for line in path.read_text(encoding="utf-8").splitlines()]


def _claim(path: Path, run: Mapping[str, Any], *, restart: bool) -> None:
    """Say whose the file is, or check that it is this run's."""
    note, wanted = _note(path), json.loads(json.dumps(run))
    if path.is_file() and not restart:
        if not note.is_file():
            raise UsageError(f"{str(path)!r} is there and no run of captions made it: give another --out.")
        found = json.loads(note.read_text(encoding="utf-8"))
        key = next((key for key in (*wanted, *found) if wanted.get(key) != found.get(key)), None)
        if key is not None:
            raise UsageError(
                f"{str(path)!r} holds captions of another run, with {key} = {found.get(key)!r} and not "
                f"{wanted.get(key)!r}: give another --out, or start anew with --restart."
            )
    part = note.with_suffix(".part")
    part.write_text(json.dumps(wanted, indent=1, ensure_ascii=False), encoding="utf-8")
    part.replace(note)


def _mend(path: Path) -> None:
    """Take away a last line that has no end."""
    if not path.is_file():
        return
    with path.open("r+b") as file:
        raw = file.read()
        file.truncate(raw.rfind(b"\n") + 1)
