"""Build a wheel and compare it with the repository: every tracked file of the package is in it, and nothing else.

Run it as `python scripts/wheel_contents.py`.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def tracked() -> set[str]:
    """Paths below `src/` of every tracked file of the package that is on disk."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "src/mirante"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {name.removeprefix("src/") for name in listed.split("\0") if name and (ROOT / name).is_file()}


def packed() -> set[str]:
    """Paths of every file in a freshly built wheel, its metadata left out."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--wheel-dir", folder, str(ROOT)], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        names = zipfile.ZipFile(wheel).namelist()
    return {name for name in names if ".dist-info/" not in name}


def main() -> int:
    """Print what differs; 1 when something does."""
    want, have = tracked(), packed()
    for name in sorted(want - have):
        print(f"missing from the wheel: {name}")
    for name in sorted(have - want):
        print(f"in the wheel, but not tracked: {name}")
    print(f"{len(have)} files in the wheel, {len(want)} tracked")
    return 0 if want == have else 1


if __name__ == "__main__":
    sys.exit(main())
