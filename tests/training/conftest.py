"""A trainer in small: 64 scenes, a model of 50,000 weights, and one call that trains it in this process."""

from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from mirante import encoders
from mirante.datasets.scenes import SceneDataset
from mirante.encoders import _tiny
from mirante.training import loop, task
from mirante.training.config import Data, LossTerm, Model, NewModel, TrainConfig
from mirante.training.pictures import prepare
from mirante.training.start import open_model

SMALL = NewModel(
    image_size=24, patch_size=8, width=32, image_depth=1, text_depth=1, head_width=16, text_length=16, vocabulary=150
)


@pytest.fixture(scope="session")
def one_thread():
    """Sums in one order, whatever else the machine does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def captions():
    return [caption.text for item in SceneDataset().items("train-64", "en") for caption in item.captions]


@pytest.fixture(scope="session")
def new_model(captions, one_thread):
    """A new model of that seed, as a function."""

    def make(seed=0):
        torch.manual_seed(seed)
        return open_model(Model(new=SMALL), captions, "cpu")

    return make


@pytest.fixture(scope="session")
def batches():
    return SceneDataset().batches("train-64", "en", partials=1, partners=0.0)


@pytest.fixture(scope="session")
def pictures(batches, new_model, tmp_path_factory):
    """The pixels of `batches`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIRANTE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return prepare(batches, new_model())[1]


@pytest.fixture
def settings(tmp_path):
    """A configuration of five steps, as a function of what differs from it."""

    def make(out=None, **changed):
        plain = {"steps": 5, "batch": 16, "learning_rate": 5e-3, "warmup": 3, "losses": (LossTerm("infonce"),)}
        same = {"model": Model(new=SMALL), "data": Data("scenes:train-64"), "out": str(out or tmp_path / "run")}
        return TrainConfig(**same, **(plain | changed))

    return make


@pytest.fixture(scope="session")
def run(batches, pictures):
    """`loop.run` over the scenes on the processor, as a function."""

    def train(config, encoder, **more):
        more = {"accelerator": Accelerator(cpu=True), **more}
        learns = task.contrastive(config, encoder, more.pop("pictures", pictures), more["accelerator"])
        return loop.run(config, learns, batches, **more)

    return train


@pytest.fixture(scope="session", params=["clip", "siglip"])
def tiny(request, tmp_path_factory, one_thread):
    """A random checkpoint of each family, opened, of 32 pixels and 16 tokens."""
    return encoders.load(getattr(_tiny, request.param)(Path(tmp_path_factory.mktemp(request.param)) / "model"))
