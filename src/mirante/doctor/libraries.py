"""Python and the libraries: whether they are there, and in the versions that `pyproject.toml` allows."""

import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from mirante.doctor.findings import Finding, Level
from mirante.doctor.requirements import Requirement, allows

PACKAGE = "mirante"
HIDDEN = ("all", "dev")
"""Extras that only gather others, or serve the work on Mirante itself."""
ESSENTIAL = "torch"
"""The extra without which no encoder but the toy opens."""


def look() -> Iterator[Finding]:
    """Python, what is always needed, then each extra."""
    try:
        wanted = [Requirement.parse(line) for line in requires(PACKAGE) or ()]
        python = metadata(PACKAGE)["Requires-Python"]
    except PackageNotFoundError:
        yield Finding("wrong", "doctor.not-installed")
        return
    here = platform.python_version()
    level: Level = "ok" if allows(python, here) else "wrong"
    yield Finding(level, f"doctor.python-{level}", {"version": here, "range": python})
    yield Finding("ok", "doctor.system", {"system": platform.platform(), "version": version(PACKAGE)})
    yield from _always([one for one in wanted if not one.extra])
    extras = dict.fromkeys(one.extra for one in wanted if one.extra and one.extra not in HIDDEN)
    for extra in sorted(extras):
        yield from _optional(extra, [one for one in wanted if one.extra == extra])


def _always(wanted: Sequence[Requirement]) -> Iterator[Finding]:
    for one in wanted:
        if found := installed(one.name):
            yield _judged(one, found)
        else:
            yield Finding("wrong", "doctor.library-missing", {"name": one.name, "range": one.range})


def _optional(extra: str, wanted: Sequence[Requirement]) -> Iterator[Finding]:
    found = {one: installed(one.name) for one in wanted}
    missing = [one.name for one, at in found.items() if not at]
    values = {"extra": extra, "libraries": ", ".join(f"{one.name} {at}" for one, at in found.items() if at)}
    if missing:
        level: Level = "warn" if extra == ESSENTIAL else "ok"
        yield Finding(level, f"doctor.without-{extra}", {"extra": extra, "missing": ", ".join(missing)})
    else:
        yield Finding("ok", "doctor.extra", values)
    for one, at in found.items():
        if at and not one.allows(at):
            yield _judged(one, at)


def _judged(one: Requirement, found: str) -> Finding:
    values = {"name": one.name, "version": found, "range": one.range}
    if one.allows(found):
        return Finding("ok", "doctor.library", values)
    return Finding("wrong", "doctor.library-range", values)


def installed(name: str) -> str | None:
    """The version of a distribution, None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
