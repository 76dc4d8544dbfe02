"""Ray Data over stretches of the input that come while it runs: a queue, a source that reads it, a pool of actors."""

import logging
import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pyarrow as pa

from mirante.embeddings.actors import RETURNED, SENT, Actor, Failure, Setup
from mirante.embeddings.shelf import Shard
from mirante.errors import UsageError

ALONE = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
}
"""Variables of a cluster of this machine alone, where the user did not set them; the last one means loopback."""
NODE = "ray.io/node-id"
"""The label of a node that Ray itself gives."""
START = "start"
"""What stands first in the queue."""
IN_FLIGHT = 2
"""Stretches that an actor is given at once, so that it never waits for the next."""
PATIENCE = 60.0
"""Seconds that a cluster may take to answer, and a run to end, in which Ray takes its actors down."""


def connect() -> None:
    """Join the cluster of `RAY_ADDRESS`, or start one of this machine alone, on loopback, without a dashboard.

    Raises:
        UsageError: there is no cluster at that address.
    """
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        for name, value in ALONE.items():
            os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not address:
        ray.init("local", include_dashboard=False, **quiet)
        return
    try:
        _knock(address)
        ray.init(**quiet)
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise UsageError(
            f"Ray cannot be reached at RAY_ADDRESS = {address!r} ({reason}): start the cluster, or unset the variable "
            "to work on this machine alone."
        ) from error


def _knock(address: str) -> None:
    """Ask at `host:port` first: Ray itself goes on trying for minutes where nobody answers."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), PATIENCE).close()


def places(threads: int, *, gpus: bool) -> tuple[int, Mapping[str, float]]:
    """How many actors the living nodes have room for, and what each takes: a GPU, or `threads` processors.

    Args:
        threads: of an actor without a GPU, at least 1.
        gpus: whether to use GPUs where there are some.

    Raises:
        UsageError: no node has so many processors.
    """
    import ray

    nodes = [one["Resources"] for one in ray.nodes() if one["Alive"]]
    if gpus and (count := sum(int(one.get("GPU", 0)) for one in nodes)):
        return count, {"num_gpus": 1, "num_cpus": 1}
    if count := sum(int(one.get("CPU", 0)) // threads for one in nodes):
        return count, {"num_cpus": threads}
    raise UsageError(
        f"No node of the Ray cluster has {threads} processors, as many as torch has threads here: set OMP_NUM_THREADS "
        "to fewer."
    )


class Pipeline:
    """One run of Ray Data, which an actor or node that dies ends: whoever has stretches in hand starts another.

    The queue and its reader stay on the driver's node, so another node takes nothing along but the work of its actors.

    Args:
        setup: what every actor is told.
        count: actors.
        needs: what an actor takes, as Ray names it.
    """

    def __init__(self, setup: Setup, count: int, needs: Mapping[str, float]) -> None:
        import ray
        from ray import cloudpickle
        from ray.data import ActorPoolStrategy
        from ray.util.queue import Queue

        here: dict[str, Any] = {"num_cpus": 0, "label_selector": {NODE: ray.get_runtime_context().get_node_id()}}
        self._queue = Queue(actor_options=here)
        self._queue.put(START)
        self.results: SimpleQueue[tuple[int, Shard | Failure] | Exception] = SimpleQueue()
        warnings.filterwarnings("ignore", module=r"ray\.data\.")  # hints to whoever writes a data set by hand
        pool = ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=IN_FLIGHT)
        with _settled():
            made = ray.data.read_datasource(_source(self._queue), override_num_blocks=1, **here).map_batches(
                Actor,
                batch_size=1,
                batch_format="pyarrow",
                compute=pool,
                fn_constructor_args=(cloudpickle.dumps(setup),),
                max_restarts=0,
                max_task_retries=0,
                **needs,
            )
        self._pump = Thread(target=_pump, args=(made, self.results), name="ray-results", daemon=True)
        self._pump.start()

    def put(self, number: int, stretch: bytes) -> None:
        """Hand a stretch over; its number comes back with what it became."""
        from ray.exceptions import RayError

        with suppress(RayError):  # `results` tells
            self._queue.put((number, stretch))

    def close(self, *, now: bool) -> None:
        """End the run, after what is in hand or at once, and return when its actors are gone."""
        from ray.exceptions import RayError

        with suppress(RayError):
            if now:
                self._queue.shutdown(force=True)
            else:
                self._queue.put(None)
        self._pump.join(PATIENCE)
        with suppress(RayError):
            self._queue.shutdown(force=True)


def _source(queue: Any) -> Any:
    from ray.data import Datasource
    from ray.data.block import BlockMetadata
    from ray.data.datasource import ReadTask

    class Stretches(Datasource):  # type: ignore[misc]
        """One task that reads the queue to its end."""

        def estimate_inmemory_data_size(self) -> int | None:
            return None

        def get_read_tasks(self, parallelism: int, *args: Any, **options: Any) -> list[Any]:
            return [ReadTask(partial(_read, queue), BlockMetadata(None, None, None, None))]

    return Stretches()


def _read(queue: Any) -> Iterator[pa.Table]:
    """The stretches of the queue, a table each.

    Raises:
        EOFError: it was read before, by a process that died with stretches in hand.
    """
    if queue.get() != START:
        raise EOFError("the reader of the queue died")
    while (item := queue.get()) is not None:
        number, stretch = item
        yield pa.table([pa.array([number]), pa.array([stretch], pa.large_binary())], schema=SENT)


def _pump(made: Any, results: "SimpleQueue[tuple[int, Shard | Failure] | Exception]") -> None:
    """Pass what the actors made on, as it comes; an exception last, whatever ended the run."""
    import ray
    from ray import cloudpickle

    try:
        for bundle in made.iter_internal_ref_bundles():
            for block in ray.get(list(bundle.block_refs)):
                for number, outcome in zip(*(block[name].to_pylist() for name in RETURNED.names), strict=True):
                    results.put((number, cloudpickle.loads(outcome)))
        results.put(EOFError("the run ended"))
    except Exception as error:  # whatever Ray says, the stretches in hand are lost
        results.put(error)


@contextmanager
def _settled() -> Iterator[None]:
    """Within this block Ray Data makes data sets that stay silent and hand every stretch on by itself, as it comes."""
    from ray.data import DataContext

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ray's own of itself, and of the restarts asked for
        context = DataContext.get_current().copy()
        context.enable_progress_bars = context.print_on_execution_start = False
        context.target_max_block_size = 1
        context.execution_no_progress_timeout_s = -1
        context.max_errored_blocks = 0
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        with DataContext.current(context):
            yield
