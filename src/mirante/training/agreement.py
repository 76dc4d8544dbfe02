"""What the main process decides, on every process."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from accelerate import Accelerator

T = TypeVar("T")


def agreed(accelerator: "Accelerator", decide: Callable[[], T]) -> T:
    """What `decide` gives on the main process, the only one that asks it; the others wait for the answer."""
    told = [decide() if accelerator.is_main_process else None]
    if accelerator.num_processes > 1:
        from accelerate.utils import broadcast_object_list

        broadcast_object_list(told)
    return told[0]  # type: ignore[return-value]
