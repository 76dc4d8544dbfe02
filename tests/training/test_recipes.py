"""The recipes under configs/: each is read, asks for what exists, says what it reproduces, and runs as it is written.

A run takes a recipe whole, but for the model, the data, the length and the sizes: a random CLIP or SigLIP of 32 pixels
and 20 scenes in a table whose captions are lists, as those of the published data sets are.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState

from mirante import losses
from mirante.datasets.scenes import SceneDataset
from mirante.encoders import _tiny
from mirante.evaluation.judge import METRICS
from mirante.training import read_config, train

CONFIGS = {path.stem: path for path in sorted(Path(__file__).parents[2].glob("configs/*.toml"))}
OF_THE_HUB = [name for name in CONFIGS if not name.startswith(("scenes", "elip-paper"))]

CLIP_L, CLIP_B = "openai/clip-vit-large-patch14", "openai/clip-vit-base-patch16"
SO400M, SIGLIP_B = "google/siglip-so400m-patch14-384", "google/siglip-base-patch16-224"
FLICKR, ART, FASHION = (
    "hf:laicsiifes/flickr30k-pt-br:train",
    "hf:Artificio/WikiArt:train",
    "hf:Marqo/deepfashion-multimodal:data",
)
PUBLISHED = {
    "flickr30k-pt-clip-l14": (CLIP_L, FLICKR, 5, "infonce", ".763"),
    "flickr30k-pt-siglip-so400m": (SO400M, FLICKR, 5, "sigmoid", ".804"),
    "wikiart-clip-b16": (CLIP_B, ART, 10, "infonce", ".438"),
    "wikiart-siglip-base": (SIGLIP_B, ART, 5, "sigmoid", ".309"),
    "deepfashion-clip-b16": (CLIP_B, FASHION, 10, "infonce", ".319"),
    "deepfashion-siglip-base": (SIGLIP_B, FASHION, 5, "sigmoid", ".311"),
}
"""Recipe → model, training data, epochs, loss and R@1 that were published."""


@pytest.mark.parametrize("name", CONFIGS)
def test_a_recipe_is_read_and_asks_for_losses_and_a_metric_that_exist(name):
    config = read_config(CONFIGS[name])
    assert config.out == f"runs/{name}"
    assert (config.model.start is None) != (config.model.new is None)
    assert bool(config.steps) != bool(config.epochs)
    assert config.select in METRICS
    for term in config.losses:
        assert isinstance(losses.create(term.name, term.options), torch.nn.Module)


@pytest.mark.parametrize("name", PUBLISHED)
def test_hers_is_the_published_experiment(name):
    """Batches of 32, everything trained in fp32, a random tenth held out; nothing of ours."""
    model, data, epochs, loss, figure = PUBLISHED[name]
    config = read_config(CONFIGS[f"{name}-hers"])
    assert (config.model.start, config.data.address, config.epochs, config.batch) == (model, data, epochs, 32)
    assert [term.name for term in config.losses] == [loss]
    assert (config.data.hold_out, config.data.validation) == (0.1, None)
    assert (config.trained.layer_decay, config.hard, config.memory.micro, config.memory.precision) == (
        1.0,
        None,
        0,
        "fp32",
    )
    assert f"to {figure}, text to image" in " ".join(CONFIGS[f"{name}-hers"].read_text("utf-8").split("\n# "))


@pytest.mark.parametrize("name", PUBLISHED)
def test_ours_is_the_same_experiment_with_large_batches_and_an_eye_on_what_is_forgotten(name):
    model, data, _, loss, figure = PUBLISHED[name]
    config = read_config(CONFIGS[name])
    assert (config.model.start, config.data.address, config.losses[0].name) == (model, data, loss)
    assert config.batch >= 16 * 32 > config.memory.micro > 0
    assert (config.memory.precision, config.memory.checkpointing) == ("bf16", True)
    assert config.trained.layer_decay < 1
    assert config.data.retain
    assert config.patience > 0 < config.validate_every
    assert (config.data.validation is None) == (config.data.hold_out > 0)
    assert f"R@1 {figure}" in CONFIGS[name].read_text("utf-8").replace("\n# ", " ")


def test_no_recipe_learns_from_or_is_selected_by_the_test_of_flickr30k():
    for name in OF_THE_HUB:
        data = read_config(CONFIGS[name]).data
        assert "flickr30k-pt-br:test" not in f"{data.address} {data.validation}"


def test_the_recipe_for_8_gb_trains_adapters_alone_in_small_pieces():
    config = read_config(CONFIGS["flickr30k-pt-clip-l14-lora"])
    assert config.trained.lora.rank == 16
    assert (config.memory.micro, config.memory.checkpointing, config.memory.precision) == (16, True, "bf16")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Addresses of 20 training scenes and of 5 others, two English captions in a list each, by the recipes' columns."""
    folder = tmp_path_factory.mktemp("tables")
    addresses = {}
    for split, size in (("train", 20), ("test", 5)):
        rows = []
        for item in SceneDataset().items(f"{split}-{size}", "en"):
            item.picture.load().save(folder / f"{item.picture.id}.png")
            told = [caption.text for caption in item.captions][:2]
            rows.append(
                {"file_name": f"{item.picture.id}.png"} | dict.fromkeys(("caption", "text", "description"), told)
            )
        path = folder / f"{split}.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        addresses[split] = str(path)
    return addresses


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return {
        "openai": _tiny.clip(tmp_path_factory.mktemp("clip") / "model"),
        "google": _tiny.siglip(tmp_path_factory.mktemp("siglip") / "model"),
    }


@pytest.fixture
def other_precision():
    """Lets a run have another precision than the one before it in this process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("other_precision")
@pytest.mark.parametrize(
    "name",
    [
        "deepfashion-clip-b16",  # hard negatives, distillation, a share held out
        "flickr30k-pt-clip-l14-lora",  # adapters
        "flickr30k-pt-siglip-so400m",  # a validation split, the sigmoid in pieces
        "wikiart-siglip-base-hers",  # plain
    ],
)
def test_a_recipe_runs_from_end_to_end(name, tables, models, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    recipe = read_config(CONFIGS[name])
    data = replace(
        recipe.data,
        address=tables["train"],
        validation=recipe.data.validation and tables["test"],
        retain=recipe.data.retain and tables["test"],
        retain_language="en",
        language="en",
    )
    small = {"batch": 8, "epochs": 1.0, "warmup": 1, "validate_every": recipe.validate_every and 2}
    config = replace(
        recipe,
        out=str(tmp_path / "run"),
        model=replace(recipe.model, start=models[recipe.model.start.partition("/")[0]]),
        data=data,
        memory=replace(recipe.memory, micro=recipe.memory.micro and 3),
        **small,
    )
    done = train(config)
    left = 18 if data.hold_out else 20
    assert done.steps == -(-left // 8)
    assert done.after.target.protocol.gallery == (2 if data.hold_out else 5)
    assert (done.after.retain is None) == (recipe.data.retain is None)
    assert 0 < done.loss < 20
    assert (done.checkpoint / "config.json").is_file()
    assert (done.parameters.trained < done.parameters.all / 2) == (recipe.trained.lora is not None)
