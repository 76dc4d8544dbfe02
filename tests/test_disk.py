"""What the disk refuses is one clear error; what is not the disk's fault passes through."""

import errno
from pathlib import Path

import pytest
from safetensors import SafetensorError

from mirante.disk import disk
from mirante.errors import StoreError


@pytest.mark.parametrize(
    "refusal",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_named_and_says_what_to_do(refusal):
    said = r"The disk is full: 'out/x' could not be written.*free some space"
    with pytest.raises(StoreError, match=said), disk(Path("out/x")):
        raise refusal


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (SafetensorError("Error while serializing: header too large"), "header too large"),
    ],
)
def test_another_refusal_is_told_with_its_reason(refusal, reason):
    with pytest.raises(StoreError, match=f"'out/x' cannot be used: .*{reason}"), disk(Path("out/x")):
        raise refusal


@pytest.mark.parametrize("other", [ValueError("x"), KeyboardInterrupt()])
def test_what_is_not_the_disks_fault_passes_through(other):
    with pytest.raises(type(other)), disk(Path("out/x")):
        raise other
