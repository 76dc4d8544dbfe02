"""What the service counts, in the text format of Prometheus (exposition format 0.0.4)."""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
HELP = {
    "mirante_requests_total": ("counter", "Requests answered, by route, method and status."),
    "mirante_request_seconds": ("histogram", "Time from the first byte of a request to the last of its answer."),
    "mirante_refused_total": ("counter", "Requests refused before they reached a route, by reason."),
    "mirante_batch_items": ("histogram", "Texts, pictures, queries or pieces of work in one call."),
    "mirante_encode_seconds": ("histogram", "Time of one call in the encoder's thread; of queries, with the search."),
    "mirante_requests_under_way": ("gauge", "Requests that are being answered."),
    "mirante_waiting_items": ("gauge", "Texts, pictures and queries that wait for the encoder, by index."),
    "mirante_index_rows": ("gauge", "Rows of an index."),
}
"""Every series: its kind and its meaning."""

Labels = tuple[tuple[str, str], ...]


@dataclass
class _Histogram:
    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def add(self, value: float) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Metrics:
    """Counters and histograms that threads share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[tuple[str, Labels], float] = {}
        self._histograms: dict[tuple[str, Labels], _Histogram] = {}

    def count(self, name: str, **labels: str) -> None:
        """One more of the counter `name`."""
        key = (name, tuple(labels.items()))
        with self._lock:
            self._counters[key] = self._counters.get(key, 0) + 1

    def measure(self, name: str, value: float, **labels: str) -> None:
        """One value of the histogram `name`: seconds, or a size where its name ends in `items`."""
        key = (name, tuple(labels.items()))
        with self._lock:
            known = self._histograms.get(key)
            if known is None:
                known = self._histograms[key] = _Histogram(SIZES if name.endswith("_items") else SECONDS)
            known.add(value)

    def text(self, gauges: Mapping[tuple[str, Labels], float]) -> str:
        """Everything in Prometheus's text format; `gauges` as they stand now."""
        with self._lock:
            found = [(name, _line(name, labels, value)) for (name, labels), value in self._counters.items()]
            for (name, labels), one in self._histograms.items():
                found += [(name, line) for line in _buckets(name, labels, one)]
        found += [(name, _line(name, labels, value)) for (name, labels), value in gauges.items()]
        return "".join(_series(name, [line for known, line in found if known == name]) for name in HELP)


def _series(name: str, lines: list[str]) -> str:
    kind, meaning = HELP[name]
    return f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n" + "".join(lines) if lines else ""


def _buckets(name: str, labels: Labels, one: _Histogram) -> Iterable[str]:
    so_far = 0
    for bound, count in zip((*one.bounds, float("inf")), one.counts, strict=True):
        so_far += count
        upper = "+Inf" if bound == float("inf") else f"{bound:g}"
        yield _line(f"{name}_bucket", (*labels, ("le", upper)), so_far)
    yield _line(f"{name}_sum", labels, one.total)
    yield _line(f"{name}_count", labels, so_far)


def _line(name: str, labels: Labels, value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(said)}"' for key, said in labels)
    return f"{name}{{{inside}}} {value:.10g}\n" if inside else f"{name} {value:.10g}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
