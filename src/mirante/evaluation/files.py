"""Files written whole or not at all."""

from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile


def write(path: Path, lines: Iterable[str]) -> None:
    """Write UTF-8 `lines` (each with its own newline) to a temporary name beside `path`, then rename it.

    Raises:
        OSError: of the file system; `path` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name[:80]}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.writelines(lines)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    temporary.chmod(0o644)
    temporary.replace(path)
