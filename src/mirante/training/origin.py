"""What a checkpoint learnt from, where its folder says so."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mirante import config as configuration
from mirante.errors import MiranteError
from mirante.training.config import Data
from mirante.training.data import open_sets
from mirante.training.near import is_drawn
from mirante.types import Picture

RUN = "run.json"


@dataclass(frozen=True)
class Origin:
    """The pictures that a model learnt from.

    Args:
        name: address of the data.
        pictures: those of training, without what was held out.
        distinct: the data vouches that none is a copy of another.
        problem: why the data could not be opened, empty where it could.
    """

    name: str
    pictures: Sequence[Picture] = ()
    distinct: bool = False
    problem: str = ""


def learnt_from(model: str) -> Origin | None:
    """Open the data of the run that made the checkpoint `model`; None where no run is recorded beside it.

    The run is that of `run.json` in the folder of the checkpoint or in the one above, as `mirante train` leaves it.
    """
    path = next((one for one in (Path(model) / RUN, Path(model).parent / RUN) if one.is_file()), None)
    if path is None or not Path(model).is_dir():
        return None
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))["config"]["data"]
        data = replace(configuration.build(Data, plain, str(path)), validation=None, retain=None)
    except (OSError, ValueError, KeyError, TypeError, MiranteError) as error:
        return Origin(str(path), problem=f"{path.name} cannot be read ({error})")
    try:
        pictures = open_sets(data).batches.pictures
        return Origin(data.address, pictures, is_drawn(data.address))
    except MiranteError as error:
        return Origin(data.address, problem=str(error))
