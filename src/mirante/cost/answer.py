"""What an estimate says: frozen nouns, ready for JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from mirante.training import Parameters

Origin: TypeAlias = Literal["read", "known", "limit", "unknown"]
"""Where the size of the data comes from: the data set itself, the table of known ones, `data.limit`, or nowhere."""


@dataclass(frozen=True)
class DataSize:
    """How much there is to learn from.

    Args:
        pictures: of one pass, None where nothing says.
        captions: of all pictures, None where nothing says.
        download: bytes to fetch before anything can start, 0 where the data is here, None where nothing says.
        origin: where the numbers come from.
    """

    pictures: int | None
    captions: int | None
    download: int | None
    origin: Origin


@dataclass(frozen=True)
class Need:
    """Bytes by part, e.g. `{"weights": 605000000, "activations": …}`.

    Args:
        parts: part → bytes at most; not every part is at its most in the same moment.
        peak: bytes at most of all together.
    """

    parts: Mapping[str, int]
    peak: int


@dataclass(frozen=True)
class Trial:
    """What a few real steps on the present device gave.

    Args:
        batch: pictures of a step that was tried; the configuration's own, or what could be tried in time.
        steps: timed.
        seconds: of one step of the configuration's batch.
        processor: seconds of all cores together in such a step.
        peak: bytes of memory at most, of the tried batch.
        time_factor: measured time / what arithmetic alone gives.
        memory_factor: measured memory / what arithmetic alone gives.
    """

    batch: int
    steps: int
    seconds: float
    processor: float
    peak: int
    time_factor: float
    memory_factor: float


@dataclass(frozen=True)
class Row:
    """The run on one GPU of the table.

    Args:
        name: of the GPU.
        fits: whether the peak is within its memory.
        hours: of the whole run.
        usd: for these hours.
        usd_per_hour: its price.
        priced: date of the price, ISO.
        source: of the price.
        peak: memory that the run needs on it, in bytes.
    """

    name: str
    fits: bool
    hours: float
    usd: float
    usd_per_hour: float
    priced: str
    source: str
    peak: int


@dataclass(frozen=True)
class Note:
    """Something that the reader must know; `key` names a text of `messages/estimate.toml`."""

    key: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """What a run is held against.

    Args:
        hours: of the whole run on the present device.
        usd: for these, None where no price is given.
        peak: bytes of memory at most.
        notes: what the reader must know.
    """

    hours: float
    usd: float | None
    peak: int
    notes: tuple[Note, ...] = ()

    def predicted(self) -> dict[str, float | None]:
        """As a run keeps it beside its true figures."""
        return {"hours": self.hours, "usd": self.usd, "peak_bytes": self.peak}


@dataclass(frozen=True)
class Estimate:
    """What a run will need.

    Args:
        parameters: trained ones and all, adapters counted in both.
        data: what there is to learn from.
        steps: of the optimiser.
        flops: floating-point operations of the whole run.
        device: the present one, `"cpu"` or the name of a GPU.
        memory: on the present device (VRAM, or resident memory on a processor).
        disk: data, prepared pictures, states and checkpoint.
        hours: on the present device, from the start to the last measurement.
        seconds: the same by part: start, pictures (prepared once), training, measuring.
        step_seconds: of one step there.
        usd: for these hours; None where no price per hour is given.
        rows: the same on the GPUs of the table.
        trial: what a few real steps gave, None where none were made: then time is the model's guess.
        notes: what the reader must know.
    """

    parameters: Parameters
    data: DataSize
    steps: int
    flops: float
    device: str
    memory: Need
    disk: Need
    hours: float
    seconds: Mapping[str, float]
    step_seconds: float
    usd: float | None
    rows: tuple[Row, ...]
    trial: Trial | None = None
    notes: tuple[Note, ...] = ()

    def expected(self) -> Expected:
        """The few of these figures that a run is held against."""
        return Expected(self.hours, self.usd, self.memory.peak, self.notes)

    def to_dict(self) -> dict[str, Any]:
        """The document of `mirante estimate --json`."""
        return {"schema": 1, **asdict(self)}
