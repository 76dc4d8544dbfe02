"""Write the golden vectors that `mirante doctor` compares with: run it where the tests of the encoders pass.

    python scripts/golden_vectors.py          # models that have none yet: a family was added
    python scripts/golden_vectors.py scenes   # and these again: an embedded model was replaced

Those tests compare each family with what transformers itself computes. What is there already stays as it is: a row
that moved is what the doctor is there to find.
"""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from safetensors.numpy import load_file, save_file

from mirante.doctor import golden

LIBRARIES = ("torch", "transformers", "tokenizers", "pillow", "numpy")


def main(again: list[str]) -> int:
    """Encode the fixed texts and pictures with every model that lacks its rows or is named, on the processor."""
    models = golden.models()
    if unknown := sorted(set(again) - set(models)):
        print(f"No such model: {', '.join(unknown)}. There are {', '.join(models)}.")
        return 2
    known = load_file(golden.HOME) if golden.HOME.exists() else {}
    found = {key: rows for key, rows in known.items() if key.rpartition("/")[0] in models}
    wanted = [name for name in models if name in again or f"{name}/texts" not in found]
    if not wanted and len(found) == len(known):
        print(f"All {len(models)} models have their golden vectors.")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            found[f"{name}/images"], found[f"{name}/texts"] = golden.rows(name, Path(folder))
    save_file(found, golden.HOME, {name: version(name).partition("+")[0] for name in LIBRARIES})
    print(f"Written: {', '.join(wanted)}. {len(models)} models in {golden.HOME}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
