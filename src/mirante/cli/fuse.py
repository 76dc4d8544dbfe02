"""`mirante fuse`: runs of several models become one, without a model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.cli.options import Output, verb
from mirante.errors import UnknownName, UsageError
from mirante.messages import text

if TYPE_CHECKING:
    from mirante.types import Run

METHODS = ("rrf", "weighted")


@dataclass(frozen=True)
class Fusing:
    """How runs become one; an option of the other method is refused rather than ignored."""

    method: Annotated[str, typer.Option(help=text("fuse.method"))] = "rrf"
    weights: Annotated[str | None, typer.Option(help=text("fuse.weights"))] = None
    scale: Annotated[str | None, typer.Option(help=text("fuse.scale"))] = None
    k: Annotated[float | None, typer.Option(help=text("fuse.k"))] = None

    def fuse(self, runs: Sequence["Run"]) -> tuple["Run", dict[str, Any]]:
        """The fused run, and what it was fused by.

        Raises:
            UsageError: an option is wrong, or the method has none of that name.
            DataError: the runs do not belong together.
        """
        from mirante.rerankers.fusion import K, reciprocal_rank, weighted

        if self.method not in METHODS:
            raise UnknownName("method of fusion", self.method, METHODS)
        if self.method == "rrf":
            self._refuse(weights=self.weights, scale=self.scale)
            k = K if self.k is None else self.k
            return reciprocal_rank(runs, k), {"k": k}
        self._refuse(k=self.k)
        shares, scale = self.shares(len(runs)), self.scale or "min-max"
        fused = weighted(runs, shares, scale=scale)  # type: ignore[arg-type]
        return fused, {"weights": shares, "scale": scale}

    def shares(self, count: int) -> tuple[float, ...]:
        """The weights as numbers.

        Raises:
            UsageError: one of them is no number.
        """
        if self.weights is None:
            return (1 / count,) * count
        try:
            return tuple(float(one) for one in self.weights.split(","))
        except ValueError as error:
            raise UsageError(
                f"--weights must be numbers with commas between them, not {self.weights!r}: write 0.7,0.3, say."
            ) from error

    def _refuse(self, **given: object) -> None:
        for name, value in given.items():
            if value is not None:
                other = "weighted" if self.method == "rrf" else "rrf"
                raise UsageError(f"--{name} belongs to --method {other}, not to {self.method}: leave one of them out.")


@verb
def fuse(
    runs: Annotated[list[Path], typer.Argument(help=text("fuse.runs"))],
    out: Annotated[Path, typer.Option(help=text("fuse.out"))],
    fusing: Fusing,
    output: Output,
) -> None:
    """Fuse runs over the same data and write the run that comes out."""
    from mirante.evaluation import read_run, write_run

    if len(runs) < 2:
        raise UsageError(f"Fusion takes two runs or more, not {len(runs)}: name the files of others too.")
    if out.resolve() in {path.resolve() for path in runs}:
        raise UsageError(f"--out {str(out)!r} is one of the runs to fuse: give it a name of its own.")
    read = [read_run(path) for path in runs]
    fused, how = fusing.fuse(read)
    write_run(out, fused)
    parts = [{"path": path, **_counts(run)} for path, run in zip(runs, read, strict=True)]
    partly = len(set(fused.queries).difference(set(read[0].queries).intersection(*(run.queries for run in read))))
    document = {"schema": 1, "method": fusing.method, **how, "runs": parts, "partly": partly, **_counts(fused)}
    if not output.document(document | {"out": out}):
        for part in parts:
            output.say("fuse.run", **part)
        if partly:
            output.say("fuse.partly", queries=partly)
        whole = _counts(fused)
        output.say("fuse.fused", method=fusing.method, path=out, queries=whole["queries"], depth=whole["depth"])


def _counts(run: "Run") -> dict[str, Any]:
    return {"name": run.name, "queries": len(run.queries), "depth": run.indices.shape[1]}


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("fuse", help=text("fuse.verb"))(fuse)
