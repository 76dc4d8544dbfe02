"""What a visitor has measured: data looked at, models evaluated on it, advice, and the files to take away."""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mirante import advice
from mirante.datasets import Inspection, ReadOptions, inspect, open_dataset, split_of
from mirante.errors import UsageError
from mirante.report.advice_page import write_advice
from mirante.types import Dataset, Encoder

FILES = ("report.html", "advice.html", "fine-tune.toml", "results.json")
"""What of a finished evaluation can be taken away, beside its runs."""


@dataclass(frozen=True)
class Order:
    """What is to be measured.

    Args:
        address: of the data; splits after it count where none are chosen.
        splits: chosen ones.
        image_column: of the pictures, `""` where it is guessed.
        text_column: of the captions, likewise.
        language: of the captions, `""` for all.
        models: addresses.
        limit: the first N pictures only, None for all.
    """

    address: str
    splits: tuple[str, ...] = ()
    image_column: str = ""
    text_column: str = ""
    language: str = ""
    models: tuple[str, ...] = ()
    limit: int | None = None

    @property
    def full(self) -> str:
        """The address with the splits that were chosen."""
        base, named = split_of(self.address.strip())
        splits = self.splits or named
        return f"{base}:{','.join(splits)}" if splits else base

    @property
    def reading(self) -> ReadOptions:
        """How the data is read."""
        return ReadOptions(
            image_column=self.image_column.strip() or None,
            text_column=self.text_column.strip() or None,
            language=self.language or None,
        )

    def open(self) -> Dataset:
        """The data.

        Raises:
            UsageError: no address was given, or nothing can be read there.
        """
        if not self.address.strip():
            raise UsageError("No data was named: give an address, such as scenes:test-100.")
        return open_dataset(self.full, self.reading)


def look(order: Order) -> Inspection:
    """Every row of the data, looked at once.

    Raises:
        UsageError: the address, a split or a column is not there.
        DataError: the data cannot be read.
    """
    return inspect(order.open(), order.reading.language)


def measure(order: Order, runs: Path, lang: str, load: Callable[[str], Encoder]) -> Path:
    """Evaluate the models, advise, and draw both pages, in a new folder of `runs`.

    Args:
        order: with at least one model.
        runs: the folder.
        lang: of the pages.
        load: opens a model address.

    Returns:
        The new folder.

    Raises:
        MiranteError: the data or a model cannot be read as asked.
    """
    order.open()
    if not order.models:
        raise UsageError("No model was chosen: choose at least one.")
    out, clock = _new(runs, order.full), time.monotonic()
    asked = advice.Asked(order.full, order.reading, limit=order.limit)
    found = advice.advise(advice.Job(asked, out, order.models, report_language=lang), load)
    advice.save(out, found, seconds=time.monotonic() - clock)
    write_advice(out, lang)
    return out


def downloads(folder: Path) -> list[str]:
    """Copies of the files that a finished evaluation gives away, its runs in one archive, in a folder of their own."""
    copies = Path(tempfile.mkdtemp(prefix="mirante-"))
    kept = [shutil.copy2(folder / name, copies / name) for name in FILES if (folder / name).is_file()]
    if (folder / "runs").is_dir():
        kept.append(Path(shutil.make_archive(str(copies / "runs"), "zip", folder, "runs")))
    return [str(one) for one in kept]


def models_at_hand(runs: Path, shown: tuple[str, ...]) -> list[str]:
    """Addresses to choose from: models of the collections, the embedded one, and what was trained in `runs`."""
    trained = sorted(
        str(one.parent) for deep in ("", "*/", "*/*/") for one in runs.glob(f"{deep}checkpoint/config.json")
    )
    return list(dict.fromkeys((*shown, "scenes", *trained)))


def _new(runs: Path, address: str) -> Path:
    """A folder that is not there yet, named by the data and the time."""
    readable = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in address).strip("-.")[-40:]
    stem = f"{readable or 'data'}-{time.strftime('%Y%m%d-%H%M%S')}"
    return next(
        path for number in range(1, 1000)
        if not (path := runs / (stem if number == 1 else f"{stem}-{number}")).exists()
    )  # fmt: skip
