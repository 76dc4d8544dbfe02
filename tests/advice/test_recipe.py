"""The recommended fine-tune, from the model's family and size and the number of pictures; and its TOML."""

from dataclasses import replace
from pathlib import Path

import pytest

from mirante.advice.recipe import Learner, at_share, recipe
from mirante.advice.toml import to_toml
from mirante.training import TrainConfig, read_config
from mirante.training.config import Data, Hard, Lora, LossTerm, Memory, Model, NewModel, Trained

TINY = Learner("scenes", "siglip", 5_000_000)
BASE = Learner("openai/clip-vit-base-patch16", "clip", 150_000_000)
LARGE = Learner("openai/clip-vit-large-patch14", "clip", 428_000_000)
HUGE = Learner("google/siglip-so400m-patch14-384", "siglip", 878_000_000)
DATA = Data("photos:train", validation="photos:test", language="pt-BR")


def made(learner: Learner, pictures: int) -> TrainConfig:
    return recipe(learner, DATA, pictures=pictures, out="advice/fine-tune")


@pytest.mark.parametrize(
    ("learner", "rate"), [(TINY, 2e-3), (BASE, 3e-5), (LARGE, 2e-5), (HUGE, 1e-5)], ids=lambda one: str(one)[:20]
)
def test_larger_models_learn_more_slowly(learner: Learner, rate: float) -> None:
    assert made(learner, 30_000).learning_rate == rate


@pytest.mark.parametrize(
    ("learner", "pictures", "loss"),
    [
        (BASE, 30_000, "infonce"),
        (HUGE, 30_000, "sigmoid"),
        (HUGE, 2_048, "sigmoid"),  # batches of 256
        (HUGE, 2_047, "infonce"),  # batches of 128, where the sigmoid learns too little
        (BASE, 500, "infonce"),
    ],
)
def test_each_family_learns_by_its_own_loss_where_batches_are_large(learner: Learner, pictures: int, loss: str) -> None:
    assert made(learner, pictures).losses == (LossTerm(loss),)


@pytest.mark.parametrize(
    ("learner", "pictures", "batch"),
    [
        (BASE, 16, 32),
        (BASE, 511, 32),
        (BASE, 512, 64),
        (BASE, 8_191, 512),
        (BASE, 8_192, 1_024),
        (BASE, 1_000_000, 1_024),
        (HUGE, 1_000_000, 512),
        (TINY, 1_000_000, 128),
    ],
)
def test_an_eighth_of_the_pictures_is_a_batch_up_to_what_the_model_allows(
    learner: Learner, pictures: int, batch: int
) -> None:
    assert made(learner, pictures).batch == batch


@pytest.mark.parametrize(
    ("pictures", "epochs"), [(10, 60), (100, 60), (500, 40), (4_000, 20), (32_000, 10), (256_000, 5), (10**8, 3)]
)
def test_the_more_pictures_the_fewer_passes(pictures: int, epochs: float) -> None:
    assert made(BASE, pictures).epochs == epochs


def test_a_pre_trained_model_gets_adapters_for_few_pictures() -> None:
    few, more = made(BASE, 1_000), made(BASE, 1_001)
    assert few.trained.lora == Lora(rank=16, alpha=32.0)
    assert few.learning_rate == pytest.approx(10 * more.learning_rate)
    assert more.trained == Trained(layer_decay=0.8)
    assert made(TINY, 1_000).trained == Trained()


def test_very_many_pictures_are_seen_in_part_and_with_their_neighbours() -> None:
    few, many = made(BASE, 100_000), made(BASE, 100_001)
    assert (few.hard, few.drop_patches) == (None, 0.0)
    assert (many.hard, many.drop_patches) == (Hard(), 0.5)


def test_a_locked_image_tower_drops_no_patches() -> None:
    config = made(replace(BASE, image="none"), 200_000)
    assert config.trained.image == "none"
    assert config.drop_patches == 0


def test_memory_is_spared_for_models_that_need_it() -> None:
    assert made(TINY, 30_000).memory == Memory()
    assert made(replace(BASE, precision="bf16"), 30_000).memory == Memory(
        micro=64, checkpointing=True, precision="bf16"
    )
    assert made(HUGE, 30_000).memory.micro == 16


def test_a_share_is_learnt_in_the_same_way_with_batches_and_passes_of_its_size() -> None:
    whole = made(HUGE, 50_000)
    part = at_share(whole, 0.01, pictures=500)
    assert (part.batch, part.epochs) == (32, 40)
    assert (part.losses, part.trained, part.learning_rate) == (whole.losses, whole.trained, whole.learning_rate)
    assert part.data == Data("photos:train", language="pt-BR", share=0.01)


def test_a_share_holds_out_what_the_whole_holds_out() -> None:
    whole = recipe(BASE, Data("photos", hold_out=0.1), pictures=900, out="x")
    assert at_share(whole, 0.2, pictures=180).data == Data("photos", hold_out=0.1, share=0.2)


@pytest.mark.parametrize(
    "config",
    [
        made(BASE, 800),
        made(HUGE, 400_000),
        made(TINY, 4_000),
        TrainConfig(
            out='a "quoted" \\ folder',
            model=Model(new=NewModel(tokenizer_languages=("pt-BR",))),
            data=Data("dados/açaí.csv:train", hold_out=0.25, limit=7),
            losses=(LossTerm("sigmoid"), LossTerm("triplet", weight=0.5, options={"margin": 0.2})),
            steps=3,
        ),
    ],
    ids=["adapters", "many", "tiny", "everything"],
)
def test_the_written_configuration_is_read_back_as_it_was(config: TrainConfig, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(to_toml(config, "what it is\nand why"), encoding="utf-8")
    assert read_config(path) == config
    assert path.read_text(encoding="utf-8").startswith("# what it is\n# and why\n")


def test_names_stay_readable() -> None:
    config = TrainConfig(out="x", model=Model(start="scenes"), data=Data("dados/açaí.csv"), steps=5)
    assert 'address = "dados/açaí.csv"' in to_toml(config)


def test_only_what_differs_from_the_defaults_is_written() -> None:
    config = TrainConfig(out="x", model=Model(start="scenes"), data=Data("scenes:train"), steps=5)
    assert to_toml(config) == (
        'out = "x"\nsteps = 5\n\n[model]\nstart = "scenes"\n\n[data]\naddress = "scenes:train"\n'
    )
