"""Write the figures of docs/topics/scale*.md: a plan for 1 M, 100 M and 5 B pictures, from measured costs.

    python scripts/scale_plan.py [--check]

What was measured is read from `docs/results/{encoding,stages,growth}.json`, documents of `benchmarks/`; prices of GPUs
from the table of `mirante estimate`. Everything else is an assumption, stands below by name, and is told in the page.
"""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _written import Written
from mirante.cost.gpus import Gpu, load, named

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
SIZES = {"1 M": 10**6, "100 M": 10**8, "5 B": 5 * 10**9}
DIM = 512
PICTURE_BYTES = 300_000
CORE_USD = 0.05
CODE_BYTES = 64 + 8
GPU = "L4"
FORWARD = 8.8e9
"""Operations of a ViT-B/32 for one picture: `mirante.cost.work.forward` of 12 layers, 50 tokens, width 768."""
INFERENCE = 0.35
"""Share of a GPU's peak in 16 bits: what `mirante estimate` assumes of training, which inference should exceed."""
WEEK = 168.0
UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True)
class Costs:
    """What one picture costs, measured.

    Args:
        seconds: of the machine that was measured, in 8 bits.
        cores: that it has.
        ready: seconds of one core to read, decode and prepare it.
        listing: bytes on the disk beside the row of the vector.
    """

    seconds: float
    cores: int
    ready: float
    listing: float

    @classmethod
    def read(cls) -> "Costs":
        """From the documents of the benchmarks."""
        encoding, stages, growth = (_document(name) for name in ("encoding", "stages", "growth"))
        alone = ("read and hash", "decode, reduced", "prepare, of reduced")
        last = growth["sizes"][-1]
        rows = 4 * 64 * (1 + last["texts"] / last["images"])
        return cls(
            1 / encoding["pictures_per_second"]["ours (openvino int8, reduced)"],
            encoding["threads"],
            sum(stages["ms_by_picture"][name] for name in alone) / 1000,
            last["disk_bytes_per_image"] - rows,
        )


def _document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return found


WORDS = {
    "en": {
        "head": "| | {sizes} |",
        "hours": "hours of a machine of {cores} cores, 8 bits",
        "week": "such machines, to be done in a week",
        "cpu_usd": "USD, at {price:.2f} an hour for a core",
        "gpu_hours": "hours of one {gpu}, if it never waits",
        "feed": "cores that keep it busy",
        "gpu_usd": "USD, {gpu} at {price:.2f} an hour, and these cores",
        "pictures": "pictures of {size:.0f} kB",
        "rows": "vectors of 512 values, and their listing",
        "memory": "memory to search: rows",
        "codes": "memory to search: codes of 64 bytes",
    },
    "pt": {
        "head": "| | {sizes} |",
        "hours": "horas de uma máquina de {cores} núcleos em 8 bits",
        "week": "máquinas assim para terminar em uma semana",
        "cpu_usd": "US$ a {price:.2f} por hora de núcleo",
        "gpu_hours": "horas de uma {gpu} que nunca espera",
        "feed": "núcleos que a mantêm ocupada",
        "gpu_usd": "US$ com {gpu} a {price:.2f} por hora e esses núcleos",
        "pictures": "imagens de {size:.0f} kB",
        "rows": "vetores de 512 valores e sua listagem",
        "memory": "memória para buscar: vetores",
        "codes": "memória para buscar: códigos de 64 bytes",
    },
}


def plan(lang: str) -> str:
    """The table."""
    costs, gpu, words = Costs.read(), _gpu(), WORDS[lang]
    numbers = str.maketrans(",.", ".,") if lang == "pt" else {}
    rate = 1e12 * gpu.half * INFERENCE / FORWARD
    feed = rate * costs.ready
    gpu_hour = gpu.usd_per_hour + feed * CORE_USD
    rows: list[list[str]] = []

    def row(name: str, each: Any, **values: Any) -> None:
        told = [words[name].format(**values), *(each(count) for count in SIZES.values())]
        rows.append([cell.translate(numbers) for cell in told])

    hours = costs.seconds / 3600
    row("hours", lambda n: _number(n * hours), cores=costs.cores)
    row("week", lambda n: _number(max(1.0, n * hours / WEEK)))
    row("cpu_usd", lambda n: _number(n * hours * costs.cores * CORE_USD), price=CORE_USD)
    row("gpu_hours", lambda n: _number(n / rate / 3600), gpu=gpu.name)
    row("feed", lambda n: _number(feed))
    row("gpu_usd", lambda n: _number(n / rate / 3600 * gpu_hour), gpu=gpu.name, price=gpu.usd_per_hour)
    row("pictures", lambda n: _bytes(n * PICTURE_BYTES), size=PICTURE_BYTES / 1000)
    row("rows", lambda n: _bytes(n * (4 * DIM + costs.listing)))
    row("memory", lambda n: _bytes(n * 4 * DIM))
    row("codes", lambda n: _bytes(n * CODE_BYTES))
    lines = [words["head"].format(sizes=" | ".join(SIZES)), "|---" * (1 + len(SIZES)) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in rows)])


def _gpu() -> Gpu:
    return named(GPU, load(ROOT / "src" / "mirante" / "cost" / "gpus.toml"))


def _number(value: float) -> str:
    """Two digits that count."""
    if value < 10:
        return f"{value:.1f}"
    digits = len(str(int(value))) - 2
    return f"{round(value, -digits):,.0f}"


def _bytes(value: float) -> str:
    """In the unit that leaves one to three digits before the point."""
    power = min(int(math.log10(max(value, 1)) // 3), len(UNITS) - 1)
    return f"{_number(value / 1000**power)} {UNITS[power]}"


PAGES = {"en": ROOT / "docs" / "topics" / "scale.md", "pt": ROOT / "docs" / "topics" / "scale.pt-BR.md"}
WRITTEN = Written(PAGES, plan, Path(__file__), "docs/results and the table of GPUs say")

if __name__ == "__main__":
    sys.exit(WRITTEN.main(__doc__))
