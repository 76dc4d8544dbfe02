"""Whether this installation can be trusted: libraries, devices, disks, environment, and the rows that encoders make.

Each part is one module with `look()`, which yields findings. `mirante doctor` shows them.
"""

from mirante.doctor import devices, golden, libraries, storage, variables
from mirante.doctor.findings import LEVELS, Examination, Finding, Level

__all__ = ["LEVELS", "Examination", "Finding", "Level", "examine"]

PARTS = {
    "libraries": libraries.look,
    "devices": devices.look,
    "storage": storage.look,
    "environment": variables.look,
    "golden": golden.look,
}


def examine() -> Examination:
    """Look at every part once; opens tiny models and the embedded ones, reaches no network."""
    return Examination({name: tuple(look()) for name, look in PARTS.items()})
