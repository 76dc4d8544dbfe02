"""Parameters are counted from configurations alone, and exactly."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mirante import encoders
from mirante.cost import shapes
from mirante.encoders import _tiny
from mirante.errors import UnknownName, UsageError
from mirante.rerankers._guiding import Guiding
from mirante.training import parts
from mirante.training.config import Data, Elip, Lora, Model, NewModel, TrainConfig, Trained
from mirante.training.start import open_model

PUBLISHED = {
    "openai/clip-vit-base-patch32": 151_277_313,
    "openai/clip-vit-base-patch16": 149_620_737,
    "openai/clip-vit-large-patch14": 427_616_513,
    "zer0int/CLIP-GmP-ViT-L-14": 427_616_513,
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K": 986_109_441,
    "google/siglip-base-patch16-224": 203_155_970,
    "google/siglip-so400m-patch14-384": 877_960_498,
    "google/siglip2-base-patch16-224": 375_187_970,
    "google/siglip2-so400m-patch14-384": 1_136_008_498,
    "Salesforce/blip2-itm-vit-g": 1_172_032_258,
}
"""As the hub counts the numbers in their safetensors."""
TRAINED = {
    "everything": Trained(),
    "a locked image tower": Trained(image="none"),
    "the projections": Trained(image="projection", text="projection"),
    "the last block of each": Trained(image=1, text=1),
    "adapters": Trained(lora=Lora(rank=3)),
    "adapters in one tower": Trained(text="none", lora=Lora(rank=2, dora=True)),
    "adapters kept apart": Trained(lora=Lora(rank=2, merge=False)),
    "geometric weights": Trained(geometric=True),
    "geometric weights of one tower": Trained(image="none", geometric=True),
}


def config(model: Model, trained: Trained = Trained()) -> TrainConfig:  # noqa: B008 - frozen
    return TrainConfig("run", model, Data("scenes:train-64"), trained=trained, steps=1)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_model_has_its_published_number_of_parameters(name: str) -> None:
    assert shapes.shape(config(Model(start=name))).parameters.all == PUBLISHED[name]


@pytest.fixture(scope="module", params=["clip", "siglip"])
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    getattr(_tiny, request.param)(folder)
    return folder


@pytest.mark.parametrize("kind", TRAINED)
def test_what_is_counted_is_what_training_trains(checkpoint: Path, kind: str) -> None:
    told = shapes.shape(config(Model(start=str(checkpoint)), TRAINED[kind])).parameters
    encoder = encoders.load(str(checkpoint), encoders.Settings(device="cpu"))
    parts.choose(encoder, TRAINED[kind])  # type: ignore[arg-type]
    assert (told.trained, told.all) == parts.counts(encoder.module)  # type: ignore[attr-defined]


def test_nothing_is_allocated_for_it() -> None:
    module = shapes.network(shapes.configuration(Model(start="openai/clip-vit-base-patch32")))
    assert {value.device for value in module.parameters()} == {torch.device("meta")}


def test_a_new_model_counts_as_it_is_made() -> None:
    """With a vocabulary that the captions fill: letters alone are more than 40 tokens."""
    new = NewModel(24, 8, 32, 1, 2, head_width=16, text_length=16, vocabulary=60)
    torch.manual_seed(0)
    made = open_model(Model(new=new), ["a red star and a blue moon over three green trees"] * 3, "cpu")
    assert len(made.tokenizer) == 60
    assert shapes.shape(config(Model(new=new))).parameters.all == sum(one.numel() for one in made.module.parameters())


def test_the_towers_of_vit_b_32() -> None:
    """224 / 32 = 7 patches a side and the token of the class; texts of 77 tokens."""
    found = shapes.shape(config(Model(start="openai/clip-vit-base-patch32"), Trained(image=2, text="none")))
    assert (found.image.tokens, found.image.width, found.image.depth, found.image.trained) == (50, 768, 12, 2)
    assert (found.text.tokens, found.text.width, found.text.depth, found.text.trained) == (77, 512, 12, 0)
    assert (found.dim, found.pixels, found.learns, found.image.quick) == (512, 224, True, True)


def test_blip_2_has_figures_but_cannot_be_trained_itself() -> None:
    found = shapes.shape(config(Model(start="Salesforce/blip2-itm-vit-g")))
    assert not found.learns
    assert found.image.tokens == 257


def test_a_guide_over_blip_2_is_what_is_trained() -> None:
    """364 / 14 = 26 patches a side and the token of the class; 256 -> 1024 -> 1024 -> 1408, each layer with a bias."""
    plain = config(Model(start="Salesforce/blip2-itm-vit-g-coco"))
    found = shapes.shape(replace(plain, elip=Elip(Guiding(prompts=1, entry=9), loss="itm")))
    assert found.learns
    assert found.parameters.trained == 257 * 1024 + 1025 * 1024 + 1025 * 1408
    assert found.parameters.all == shapes.shape(plain).parameters.all + found.parameters.trained
    assert (found.image.tokens, found.image.depth, found.image.trained, found.text.trained) == (677, 39, 30, 0)


@pytest.mark.parametrize("name", ["nothing", "/no/such/folder"])
def test_a_name_of_no_form_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownName, match=r"Unknown model .*openai/clip-vit-base-patch32"):
        shapes.configuration(Model(start=name))


def test_a_model_that_nobody_knows_is_asked_of_the_hub_and_the_answer_may_be_no(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def refuse(*given: object, **more: object) -> str:
        asked.append(given)
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    with pytest.raises(UsageError, match=r"shape of 'ana/clip' is not known, and the hub did not give its config.json"):
        shapes.configuration(Model(start="ana/clip"))
    assert asked == [("ana/clip", "config.json")]


def test_the_hub_gives_the_shape_and_not_the_weights(monkeypatch: pytest.MonkeyPatch, checkpoint: Path) -> None:
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *given, **more: str(checkpoint / "config.json"))
    there, here = (shapes.shape(config(Model(start=one))) for one in ("ana/model@main", str(checkpoint)))
    assert there == here
