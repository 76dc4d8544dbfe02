"""Run every benchmark, one after the other, and keep what each printed.

    python scripts/bench.py [--quick] [NAME …]

Each is a file of `benchmarks/`, run alone, in a process of its own, with its own sizes; `--quick` takes smaller ones,
which tell whether it works rather than how fast. What it prints passes through; its last line, one JSON document, goes
to `out/benchmarks/NAME.json` with the machine, the versions, the commit and the seconds that it took. One that fails
is named at the end, and the others run all the same.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mirante import environment

ROOT = Path(__file__).parents[1]
BENCHMARKS = sorted(path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py"))
ALWAYS = {"training": ["--json"]}
QUICK = {
    "commands": ["--pictures", "40", "--repeats", "3"],
    "encode": ["--pictures", "32", "--repeats", "3"],
    "evaluation": ["--images", "1000", "--subset", "100"],
    "growth": ["--sizes", "2000", "8000"],
    "intervals": ["--replications", "100", "--images", "100"],
    "rerank": ["--candidates", "20", "--repeats", "1"],
    "search": ["--rows", "100000"],
    "serve": ["--seconds", "10", "--swaps", "2"],
    "training": ["--quick", "--case", "scenes"],
}


def main() -> int:
    """Run what was asked for; how many failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", choices=[[], *BENCHMARKS])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "benchmarks")
    wanted = parser.parse_args()
    failed = [name for name in wanted.names or BENCHMARKS if not kept(name, wanted.out, quick=wanted.quick)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


def kept(name: str, out: Path, *, quick: bool) -> bool:
    """Run one and keep its document; whether it ended well."""
    sizes = [*ALWAYS.get(name, ()), *(QUICK.get(name, ()) if quick else ())]
    print(f"\n== {' '.join([name, *sizes])}", flush=True)
    start, said = time.monotonic(), ""
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *sizes]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            said = line
    document: dict[str, Any] = {"benchmark": name, "sizes": sizes, "seconds": round(time.monotonic() - start)}
    try:
        document |= {
            "figures": json.loads(said),
            "environment": environment.describe(),
            "memory": environment.memory()[0],
        }
    except ValueError:
        return False
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return process.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
