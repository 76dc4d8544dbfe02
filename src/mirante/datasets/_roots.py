"""The folder that a table's paths of pictures start from."""

from collections.abc import Iterable
from pathlib import Path

from mirante.datasets._pictures import is_url
from mirante.errors import UsageError


def image_root(sources: Iterable[bytes | str | None], beside: Path, given: str | None, where: str) -> Path:
    """The folder under which the paths among `sources` lie: `given`, or the first of the usual places near `beside`.

    Args:
        sources: what the first rows hold: encoded bytes, paths, URLs or nothing.
        beside: folder of the table.
        given: the user's choice.
        where: the data's address, for messages.

    Raises:
        UsageError: `given` is no folder, or all of the sample are paths and none is found anywhere.
    """
    if given is not None:
        if not Path(given).is_dir():
            raise UsageError(f"The image root {given!r} is no folder: check --image-root.")
        return Path(given)
    found_sources = [source for source in sources if source]
    sample = [path for path in found_sources if isinstance(path, str) and not is_url(path)]
    up = beside.parent
    places = [beside, beside / "images", beside / "img", beside / "imgs", up, up / "images"]
    found = next((place for place in places for path in sample if _is_file(place / path)), None)
    if found is None and sample and len(sample) == len(found_sources):
        raise UsageError(
            f"None of the first {len(sample)} pictures of {where} is a file under {str(beside)!r} "
            f"(first: {sample[0]!r}): say where they are (--image-root)."
        )
    return found or beside


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
