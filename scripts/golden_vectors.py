"""Write the golden vectors that `mirante doctor` compares with: run it where the tests of the encoders pass.

    python scripts/golden_vectors.py

Those tests compare each family with what transformers itself computes. Run this again when a family is added or an
embedded model changes, and for no other reason: a row that moved is what the doctor is there to find.
"""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from safetensors.numpy import save_file

from mirante.doctor import golden

LIBRARIES = ("torch", "transformers", "tokenizers", "pillow", "numpy")


def main() -> int:
    """Encode the fixed texts and pictures with every model on the processor."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in golden.models():
            found[f"{name}/images"], found[f"{name}/texts"] = golden.rows(name, Path(folder))
    save_file(found, golden.HOME, {name: version(name).partition("+")[0] for name in LIBRARIES})
    print(f"{len(found) // 2} models, {golden.HOME.stat().st_size:,} bytes: {golden.HOME}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
