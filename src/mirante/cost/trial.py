"""A few real steps of a run in a process of their own, whose peak of memory is theirs alone.

The pictures are noise, for prepared pictures are bytes of one size whatever they show. Captions are the data set's own
where it lies here; the weights are the checkpoint's where it lies here, else random ones of its shape.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirante.errors import TrainingError
from mirante.training import TrainConfig
from mirante.training.spending import Spending

if TYPE_CHECKING:
    from accelerate import Accelerator

    from mirante.cost.hours import Plan
    from mirante.encoders._dual import DualEncoder

SECONDS = 15.0
LEAST = 3
"""Steps."""
KINDS = ("clip", "siglip")
"""Of models that can be tried."""
_WAIT = 300
_MANY = 10**6
_RATE = 1e-9
"""Of learning: the steps are to cost what they cost, not to go anywhere."""
_PREPARED = 24
"""Pictures that are decoded, to time it."""


@dataclass(frozen=True)
class Tried:
    """What the steps gave.

    Args:
        batch: pictures of a step.
        steps: done.
        seconds: of one of them.
        processor: seconds of all cores together in one of them.
        peak: bytes of memory at most.
        trained: parameters.
        parameters: all of them.
        texts: of a batch, for each picture of it.
        first: seconds that the first step took longer.
        saving: seconds to try the weights and write a state.
        prepare: seconds to decode and resize a picture on one core, None where the pictures are not here.
    """

    batch: int
    steps: int
    seconds: float
    processor: float
    peak: int
    trained: int
    parameters: int
    texts: float
    first: float
    saving: float
    prepare: float | None


def possible(plan: "Plan") -> bool:
    """Whether steps can be tried: of a model of these kinds; of a captioner whose weights, and words, are here."""
    caption = plan.config.caption
    if not caption:
        return plan.shape.learns and plan.shape.kind in KINDS
    return _here(plan.config) and (caption.decoder is None or plan.sizes.learnt.origin == "read")


def run(config: TrainConfig, batch: int, seconds: float = SECONDS) -> Tried:
    """Try `config` with batches of `batch` pictures for about `seconds`, one step at least.

    Raises:
        TrainingError: the process failed; its last words are in the message.
    """
    asked = {"config": _given(asdict(config)), "batch": batch, "seconds": seconds}
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mirante.cost.trial"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            timeout=_WAIT,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TrainingError(
            f"The trial of batches of {batch} took more than {_WAIT} s: estimate without it (--no-probe)."
        ) from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise TrainingError(
            f"The trial of batches of {batch} failed ({last[:300]}): mend that, or estimate without it (--no-probe)."
        )
    return Tried(**json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    """Read what is asked from standard input, write one JSON document to standard output."""
    from mirante import config as configuration

    asked = json.load(sys.stdin)
    config = configuration.build(TrainConfig, asked["config"], "the trial")
    sys.stdout.write(json.dumps(asdict(_try(config, asked["batch"], asked["seconds"]))) + "\n")


def _try(config: TrainConfig, batch: int, seconds: float) -> Tried:
    import numpy as np

    from mirante.training import learner, loop, open_accelerator
    from mirante.training.pictures import Pictures
    from mirante.training.spending import peak

    accelerator = open_accelerator(config)
    encoder = _encoder(config, str(accelerator.device))
    batches = _batches(config)
    prepare = _prepare(batches.pictures, encoder)
    learns = learner.create(config, encoder)
    trained, whole = learns.choose()
    first = batches.draw(0, batch, seed=config.seed)
    shape = (len(first.rows), 3, *_size(encoder))
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    pictures = Pictures(noise, (0.5,) * 3, (0.5,) * 3, device=encoder.device)
    timed = _Timed(batches, len(first.rows))
    with tempfile.TemporaryDirectory() as folder:
        short = replace(
            config, out=folder, batch=batch, steps=_MANY, epochs=0.0, stop_after=None, validate_every=0, patience=0,
            save_every=_MANY, hard=None, budget=None, max_hours=None, learning_rate=_RATE, tensorboard=False,
        )  # fmt: skip
        until = _Until(short, accelerator, seconds)
        done = loop.run(short, learns.task(pictures, accelerator), timed, accelerator=accelerator, spending=until)
        end, most = time.monotonic(), peak(accelerator.device)
    each = _typical(timed.times) or done.seconds / max(1, done.step)
    busy = _typical(timed.busy) or each
    slow = max(0.0, timed.times[1] - timed.times[0] - each) if len(timed.times) > 1 else 0.0
    return Tried(
        batch, done.step, each, busy, most, trained, whole, texts=len(first.texts) / len(first.rows),
        first=slow, saving=max(0.0, end - timed.times[-1] - each), prepare=prepare,
    )  # fmt: skip


class _Until(Spending):
    """Ends a trial after so many seconds and `LEAST` steps, of which the first is slow; or after four times as long."""

    def __init__(self, config: TrainConfig, accelerator: "Accelerator", seconds: float) -> None:
        super().__init__(config, accelerator, time.monotonic())
        self._enough, self._asked = seconds, 0

    def spent(self) -> bool:
        """Whether it is enough; asked once before the first step."""
        steps, self._asked = self._asked, self._asked + 1
        return (steps >= LEAST and self.seconds >= self._enough) or self.seconds >= 4 * self._enough


class _Timed:
    """Batches that note when each is asked for, and whose pictures are the first of `count`, over and over."""

    def __init__(self, batches: Any, count: int) -> None:
        self.pictures: Sequence[Any] = ()
        self.times: list[float] = []
        self.busy: list[float] = []
        self._batches, self._count = batches, count

    def draw(self, step: int, size: int, *, seed: int) -> Any:
        """As the batches themselves draw."""
        import numpy as np

        self.times.append(time.monotonic())
        self.busy.append(time.process_time())
        batch = self._batches.draw(step, size, seed=seed)
        return replace(batch, rows=np.arange(len(batch.rows)) % self._count)


class _Captions:
    """Batches of a data set that is not here: each picture with one text of its own, said `times` over."""

    pictures: Sequence[Any] = ()

    def __init__(self, times: int) -> None:
        self._times = times

    def draw(self, step: int, size: int, *, seed: int) -> Any:
        """`size` pictures and texts."""
        import numpy as np

        from mirante.batch import Batch

        del seed
        texts = tuple(" ".join([f"a photo of thing {step} {number}"] * self._times) for number in range(size))
        own = np.arange(size)
        return Batch(own, texts, np.stack([own, own], axis=1), np.full(size, "full"))


def _typical(times: Sequence[float]) -> float | None:
    """Seconds between two batches: the median, without the first where there are others."""
    each = [later - one for one, later in pairwise(times)]
    return statistics.median(each[1:] or each) if each else None


def _batches(config: TrainConfig) -> Any:
    """Batches of the data set where it lies here, else made-up ones without pictures."""
    from mirante.cost.sizes import HUB
    from mirante.errors import MiranteError
    from mirante.training import data

    made = _Captions(config.caption.tokens if config.caption else 1)
    if config.data.address.startswith(HUB) and not config.data.address.startswith(f"{HUB}/"):
        return made
    try:
        return data.open_sets(replace(config.data, validation=None, retain=None)).batches
    except MiranteError:
        return made


def _encoder(config: TrainConfig, device: str) -> Any:
    """The model where it lies here, else one of its shape."""
    from mirante.cost import shapes
    from mirante.training import learner

    if config.model.new or _here(config):
        return learner.open_model(config, device)
    return _hollow(shapes.configuration(config.model), device)


def _here(config: TrainConfig) -> bool:
    """Whether the weights that the run starts from lie here."""
    from mirante.encoders import _locate

    address = str(config.model.start)
    return _locate.is_checkpoint(address) or address in _locate.embedded()


def _size(encoder: Any) -> tuple[int, int]:
    """Height and width of its pictures."""
    from mirante.training.pictures import input_size

    if hasattr(encoder, "image_processor"):
        return input_size(encoder)
    side = int(encoder.module.config.vision_config.image_size)
    return side, side


def _hollow(settings: Any, device: str) -> "DualEncoder":
    """A model of that shape with random weights and no tokenizer; every text is as long as it can be."""
    import torch
    import transformers

    from mirante.encoders._dual import DualEncoder, Texts

    kinds = {"clip": transformers.CLIPModel, "siglip": transformers.SiglipModel}

    class Hollow(DualEncoder):
        def __init__(self) -> None:
            self.device = torch.device(device)
            self.module = kinds[settings.model_type](settings).to(self.device)
            self.batch = 32
            clip = settings.model_type == "clip"
            self.texts = Texts(settings.text_config.max_position_embeddings, lower=False, masked=clip)

        def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
            words = settings.text_config
            shape = (len(texts), words.max_position_embeddings)
            ids = torch.randint(3, words.vocab_size - 3, shape, device=self.device)
            ids[:, -1] = words.vocab_size - 1
            masked = {"attention_mask": torch.ones_like(ids)} if settings.model_type == "clip" else {}
            return {"input_ids": ids, **masked}

    return Hollow()


def _prepare(pictures: Sequence[Any], encoder: "DualEncoder") -> float | None:
    """Seconds to decode and resize one of the pictures, None where they or the processor are not here."""
    from mirante.training.pictures import input_size, load

    if not pictures or not hasattr(encoder, "image_processor"):
        return None
    sample, size = pictures[:_PREPARED], input_size(encoder)
    load(sample[:1], encoder.image_processor, size)
    start = time.monotonic()
    load(sample, encoder.image_processor, size)
    return (time.monotonic() - start) / len(sample)


def _given(plain: Any) -> Any:
    """Plain data as a TOML file would hold it: without what is not there."""
    if isinstance(plain, Mapping):
        return {key: _given(value) for key, value in plain.items() if value is not None}
    if isinstance(plain, list | tuple):
        return [_given(one) for one in plain]
    return str(plain) if isinstance(plain, Path) else plain


if __name__ == "__main__":
    main()
