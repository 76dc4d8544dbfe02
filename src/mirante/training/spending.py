"""Time, memory and money of a run over all its starts, beside what was predicted, and the budget that ends it."""

import json
import math
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from mirante.disk import disk
from mirante.errors import UsageError
from mirante.training.agreement import agreed
from mirante.training.config import TrainConfig

if TYPE_CHECKING:
    from accelerate import Accelerator

NAME = "cost.json"
_MONEY = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*usd\s*", re.IGNORECASE)
_HOUR = 3600.0

Limit: TypeAlias = Literal["budget", "max_hours"]


def usd(budget: str) -> float:
    """The dollars of a budget such as `"5usd"` or `"0.5 USD"`.

    Raises:
        UsageError: it is not so written, or nothing.

    >>> usd("5usd"), usd("0.50 USD")
    (5.0, 0.5)
    """
    found = _MONEY.fullmatch(budget)
    if not found or not float(found[1]) > 0:
        raise UsageError(f"A budget is an amount of US dollars above 0, such as 5usd or 0.5usd, not {budget!r}.")
    return float(found[1])


def limits(config: TrainConfig) -> Mapping[Limit, float]:
    """The seconds that each limit of `config` allows.

    Raises:
        UsageError: a limit is not above 0, or is of money and the hour has no price.
    """
    found: dict[Limit, float] = {}
    if not 0 <= config.usd_per_hour < math.inf:
        raise UsageError(f"usd_per_hour is a price of 0 or more, not {config.usd_per_hour:g}.")
    if config.max_hours is not None:
        if not 0 < config.max_hours < math.inf:
            raise UsageError(f"max_hours must be above 0, not {config.max_hours:g}: leave it out for no limit.")
        found["max_hours"] = config.max_hours * _HOUR
    if config.budget is not None:
        dollars = usd(config.budget)
        if not config.usd_per_hour:
            raise UsageError(
                f"budget = {config.budget!r} needs the price of an hour: set usd_per_hour in the configuration, or "
                "give max_hours instead."
            )
        found["budget"] = dollars / config.usd_per_hour * _HOUR
    return found


class Spending:
    """What a run has taken so far, in `out/cost.json`; every start goes on from there.

    The clock runs from the beginning of the start to its end: reading, measuring and writing cost as much an hour as
    training does. What a killed start took after its last state is not known and not counted.

    Args:
        config: its limits, price and folder.
        accelerator: all processes go by the main one's clock.
        since: when this start began, by `time.monotonic`.
        predicted: hours, usd and peak_bytes as they were estimated; what an earlier start was told stays.
    """

    def __init__(
        self,
        config: TrainConfig,
        accelerator: "Accelerator",
        since: float,
        predicted: Mapping[str, float | None] | None = None,
    ) -> None:
        self._path, self._price, self._limits = Path(config.out) / NAME, config.usd_per_hour, limits(config)
        self._accelerator, self._since = accelerator, since
        self._last: float | None = None
        known = json.loads(self._path.read_text(encoding="utf-8")) if self._path.is_file() else {}
        earlier = known.get("actual", {})
        self._before, self._most = float(earlier.get("hours", 0)) * _HOUR, int(earlier.get("peak_bytes", 0))
        self.predicted = known.get("predicted") or (dict(predicted) if predicted else None)
        self.stopped: Limit | None = None

    @property
    def seconds(self) -> float:
        """Over all starts."""
        return self._before + time.monotonic() - self._since

    def actual(self) -> dict[str, float]:
        """Hours and dollars over all starts, and the most memory that one of them took, in bytes."""
        self._most = max(self._most, peak(self._accelerator.device))
        hours = self.seconds / _HOUR
        return {"hours": hours, "usd": hours * self._price, "peak_bytes": self._most}

    def spent(self) -> bool:
        """Whether a step as long as the last one would pass a limit; asked before the first step and after each."""
        now = time.monotonic()
        pace, self._last = now - (self._last or now), now
        if not self._limits:
            return False
        self.stopped = agreed(self._accelerator, lambda: self._passed(self.seconds + pace))
        return self.stopped is not None

    def _passed(self, seconds: float) -> Limit | None:
        """The first limit that is below so many seconds."""
        return next((name for name, most in self._limits.items() if seconds > most), None)

    def keep(self) -> None:
        """Write the file.

        Raises:
            StoreError: the disk is full or refuses.
        """
        part = self._path.with_suffix(".part")
        plain = {"schema": 1, "actual": self.actual(), "usd_per_hour": self._price, "predicted": self.predicted}
        with disk(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(plain, indent=1), encoding="utf-8")
            part.replace(self._path)


def forget_peak(device: Any) -> None:
    """Let `peak` count from now."""
    if device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:  # another system, or not allowed: the peak is that of the process
        return


def peak(device: Any) -> int:
    """Bytes at most: of a GPU what torch reserved there, else the resident memory of this process."""
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_reserved(device))
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError, ValueError):
        pass
    try:
        import resource
    except ImportError:
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
