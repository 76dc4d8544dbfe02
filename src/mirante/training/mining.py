"""Hard negatives: batches of pictures that the model, as it is now, finds alike; searched for again every so often."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mirante.batch import Batch, Batches
from mirante.errors import UsageError
from mirante.training import views
from mirante.training.batches import PairBatches, in_turn
from mirante.training.config import Hard, TrainConfig
from mirante.training.gradients import Processes
from mirante.training.neighbours import nearest
from mirante.training.pictures import Pictures
from mirante.types import DIRECTIONS, Direction

if TYPE_CHECKING:
    from accelerate import Accelerator

    from mirante.encoders._dual import DualEncoder


class Mining:
    """Batches of groups: a picture and its nearest false neighbours among all training pictures.

    Anchors come in the order of passes over the data; where groups overlap, pictures at random fill the batch.

    Args:
        config: its `hard` says how to search; its seed chooses one caption of each picture for each search.
        batches: gives pictures, captions and their truth.
        pictures: pixels of `batches.pictures`, in that order.
        autocast: gives the context of the forward pass.
        processes: share the search; all get the same neighbours.
    """

    def __init__(
        self,
        config: TrainConfig,
        batches: PairBatches,
        pictures: Pictures,
        *,
        autocast: Callable[[], Any] = nullcontext,
        processes: Processes = Processes(),  # noqa: B008 - frozen
    ) -> None:
        self.pictures, self._batches, self._pixels = batches.pictures, batches, pictures
        self._hard, self._seed = config.hard or Hard(), config.seed
        self._autocast, self._processes = autocast, processes
        self._truth = _truth(batches)
        self._round, self._table = -1, np.full((len(batches.pictures), self._hard.neighbours - 1), -1)
        self._locked = config.trained.image == "none" or config.elip is not None
        self._images: Tensor | None = None

    def search(self, encoder: "DualEncoder", step: int) -> None:
        """Search again if `step` is in another stretch of `hard.every` steps than the last search was."""
        now = step // self._hard.every
        if now == self._round:
            return
        images, texts = self._see(encoder), self._read(encoder, now)
        count, size = len(images), self._hard.neighbours - 1
        own = torch.arange(count, device=images.device)[self._processes.share(count)]
        table = torch.empty((len(own), size), dtype=torch.int64, device=images.device)
        for direction, turn in self._turns(own, now):
            table[turn] = nearest(
                images,
                texts,
                own[turn],
                count=size,
                direction=direction,
                truth=self._truth,
                ceiling=self._hard.ceiling,
            )
        self._round, self._table = now, self._processes.gather(table, count).cpu().numpy()

    def draw(self, step: int, size: int, *, seed: int) -> Batch:
        """`size` pictures (fewer if there are fewer) in groups of neighbours, one caption of each at random."""
        rng = np.random.default_rng((seed, step, 1))
        groups = max(1, size // self._hard.neighbours)
        anchors = in_turn(len(self.pictures), step * groups, groups, seed=seed)
        together = np.column_stack([anchors, self._table[anchors]]).ravel()
        spare = rng.choice(len(self.pictures), min(len(self.pictures), 2 * size), replace=False)
        rows = dict.fromkeys(row for row in (*together.tolist(), *spare.tolist()) if row >= 0)
        return self._batches.of([*rows][:size], rng)

    def tensors(self) -> Mapping[str, Tensor]:
        """What a state must keep: the neighbours, and which search found them."""
        return {"mining.round": torch.tensor(self._round), "mining.table": torch.from_numpy(self._table)}

    def restore(self, kept: Mapping[str, Tensor]) -> None:
        """Put back what `tensors` gave."""
        self._round, self._table = int(kept["mining.round"]), kept["mining.table"].numpy()

    def _see(self, encoder: "DualEncoder") -> Tensor:
        """(n, d) of every picture; a locked tower sees them once."""
        if self._images is None or not self._locked:
            count = len(self.pictures)
            own = np.arange(count)[self._processes.share(count)]
            encode = views.image_rows(encoder, self._pixels, self._autocast)
            rows = views.encode_all(encode, own, encoder, label="hard negatives", unit="pictures")
            self._images = self._processes.gather(rows, count)
        return self._images

    def _read(self, encoder: "DualEncoder", now: int) -> Tensor:
        """(n, d) of a telling caption of every picture, drawn anew for each search; equal ones are encoded once."""
        rng, captions = np.random.default_rng((self._seed, now, 2)), self._batches.telling
        told = [rng.choice(captions[picture.id]) for picture in self.pictures]
        texts = [self._batches.pairs.captions[number].text for number in told]
        different = list(dict.fromkeys(texts))
        own = different[self._processes.share(len(different))]
        encode = views.text_rows(encoder, self._autocast)
        rows = views.encode_all(encode, own, encoder, label="hard negatives", unit="texts")
        place = {text: at for at, text in enumerate(different)}
        return self._processes.gather(rows, len(different))[[place[text] for text in texts]]

    def _turns(self, own: Tensor, now: int) -> list[tuple[Direction, Tensor]]:
        """Each direction and which of the pictures `own` are searched from in it; `"both"` changes with each search."""
        if self._hard.direction != "both":
            return [(self._hard.direction, torch.ones_like(own, dtype=torch.bool))]
        return [(direction, (own + now) % 2 == number) for number, direction in enumerate(DIRECTIONS)]


def check(config: TrainConfig) -> None:
    """Refuse what no search can do, before anything is read.

    Raises:
        UsageError: a setting of `hard` is out of range, or the captions are partial.
    """
    hard = config.hard
    if hard is None:
        return
    if config.data.captions != "given":
        raise UsageError(
            f'[hard] needs captions = "given", not {config.data.captions!r}: partial captions bring their own hard '
            "negatives. Leave [hard] out."
        )
    if not 2 <= hard.neighbours <= config.batch:
        raise UsageError(f"hard.neighbours must lie between 2 and batch ({config.batch}), not {hard.neighbours}.")
    if hard.every < 1:
        raise UsageError(f"hard.every must be at least 1 step, not {hard.every}.")
    if not -1 < hard.ceiling <= 1:
        raise UsageError(f"hard.ceiling is a cosine, at most 1 (nothing left out) and above -1, not {hard.ceiling:g}.")


def create(config: TrainConfig, batches: Batches, pictures: Pictures, accelerator: "Accelerator") -> Mining | None:
    """What searches for the neighbours that `config` asks for, None where it asks for none."""
    if config.hard is None or not isinstance(batches, PairBatches):
        return None
    processes = Processes(accelerator.process_index, accelerator.num_processes)
    return Mining(config, batches, pictures, autocast=accelerator.autocast, processes=processes)


def _truth(batches: PairBatches) -> Callable[[int], NDArray[np.int64]]:
    """Number of a picture → numbers of all pictures that a telling caption of it describes, or whose own describes it.

    A vague caption that two pictures share does not make one an answer to what tells the other apart.
    """
    place = {picture.id: row for row, picture in enumerate(batches.pictures)}
    relevance, captions, tellers = batches.pairs.relevance, batches.pairs.captions, dict[int, list[int]]()
    for image, telling in batches.telling.items():
        for caption in telling:
            tellers.setdefault(caption, []).append(place[image])
    rows = {images: [place[image] for image in images] for images in {relevance[captions[one].id] for one in tellers}}

    def of(number: int) -> NDArray[np.int64]:
        image = batches.pictures[number].id
        described = {relevance[captions[one].id] for one in batches.telling[image]}
        true = chain((rows[one] for one in described), (tellers.get(one, ()) for one in batches.captions[image]))
        return np.unique([one for some in true for one in some])

    return of
