"""The recipes of guides: the paper's, and ours for art and Portuguese; each runs with its paths replaced."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from mirante import encoders
from mirante.datasets.scenes import SceneDataset
from mirante.encoders import _tiny
from mirante.errors import UsageError
from mirante.rerankers import chain
from mirante.training import check, read_config, train
from mirante.training.config import Data, Elip, LossTerm, Memory, Model, NewModel, TrainConfig, Trained

CONFIGS = {path.stem: path for path in sorted(Path(__file__).parents[2].glob("configs/*elip*.toml"))}
FAMILIES = {
    "elip-paper-clip": _tiny.clip,
    "elip-paper-siglip": _tiny.siglip,
    "elip-paper-siglip2": partial(_tiny.siglip, second=True),
}
PLAIN = TrainConfig("runs/x", Model(start="scenes"), Data("scenes:train-8"), steps=1, elip=Elip())


@pytest.mark.parametrize(
    ("name", "batch", "loss"),
    [
        ("elip-paper-clip", 40, "cross-entropy"),
        ("elip-paper-siglip", 10, "sigmoid"),
        ("elip-paper-siglip2", 10, "sigmoid"),
    ],
)
def test_the_papers_form_is_as_published(name, batch, loss):
    config = read_config(CONFIGS[name])
    guide = config.elip.guide
    assert (guide.form, guide.reads, guide.prompts, guide.entry, guide.deep) == ("prompts", "pooled", 10, 0, 1)
    assert (guide.inner, config.learning_rate, config.batch, config.elip.loss) == (10 * 1024, 1e-3, batch, loss)
    assert (config.elip.added, config.elip.candidates, config.hard.neighbours) == (False, 0, batch)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_recipe_can_be_asked_for(name):
    check(read_config(CONFIGS[name]))


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """40 pictures with a caption each, as JSON lines."""
    folder = tmp_path_factory.mktemp("table")
    rows = []
    for item in SceneDataset().items("train-40", "en"):
        item.picture.load().save(folder / f"{item.picture.id}.png")
        rows.append({"file_name": f"{item.picture.id}.png", "description": item.captions[0].text})
    (folder / "data.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return str(folder / "data.jsonl")


@pytest.fixture
def other_precision():
    """Lets a run have another precision than the one before it in this process."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.slow
@pytest.mark.usefixtures("other_precision")
@pytest.mark.parametrize("name", FAMILIES)
def test_the_papers_recipe_runs_with_only_its_paths_replaced(name, table, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    recipe = read_config(CONFIGS[name])
    base = FAMILIES[name](tmp_path / "base")
    before = load_file(tmp_path / "base" / "model.safetensors")
    config = replace(
        recipe, out=str(tmp_path / "run"), model=replace(recipe.model, start=base),
        data=replace(recipe.data, address=table),
    )  # fmt: skip
    done = train(config)
    assert done.steps == 40 // recipe.batch
    assert 0 < done.loss < 20
    (reranker,) = chain([f"elip:{done.checkpoint}"], encoders.load(base))
    assert reranker.weight is None
    after = load_file(tmp_path / "base" / "model.safetensors")
    assert all((after[one] == before[one]).all() for one in before)


@pytest.mark.usefixtures("other_precision")
@pytest.mark.parametrize("name", ["elip-wikiart", "elip-pt"])
def test_ours_runs_and_chooses_its_weight(name, table, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRANTE_CACHE", str(tmp_path / "cache"))
    recipe = read_config(CONFIGS[name])
    data = replace(recipe.data, address=table, validation=None, hold_out=0.2, retain="scenes:test-6", text_column=None)
    guide = replace(recipe.elip.guide, entry=1, deep=1, width=16)
    config = replace(
        recipe, out=str(tmp_path / "run"), epochs=1, validate_every=2, warmup=1, data=data,
        model=replace(recipe.model, start=_tiny.siglip(tmp_path / "base")), elip=replace(recipe.elip, guide=guide),
    )  # fmt: skip
    done = train(config)
    assert done.after.target.protocol == done.before.target.protocol
    assert done.after.retain.metrics["hit_rate@1"].value >= done.before.retain.metrics["hit_rate@1"].value
    assert done.after.target.metrics["hit_rate@1"].value >= done.before.target.metrics["hit_rate@1"].value
    assert "elip" in (done.checkpoint / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"trained": Trained(image="none")}, "trained says nothing"),
        ({"losses": (LossTerm("sigmoid"),)}, "losses says nothing.*elip.loss"),
        ({"drop_patches": 0.5}, "drop_patches says nothing"),
        ({"memory": Memory(checkpointing=True)}, "memory.checkpointing does not reach"),
        ({"model": Model(new=NewModel())}, "needs a model to guide"),
        ({"elip": Elip(candidates=1)}, "elip.candidates must be 0 .* not 1"),
        ({"elip": Elip(depth=0)}, "elip.depth must be at least 1, not 0"),
        ({"elip": Elip(replace(Elip().guide, prompts=0))}, "prompts of a guide"),
    ],
)
def test_what_no_guide_can_be_trained_with_is_refused(changed, told):
    check(PLAIN)
    with pytest.raises(UsageError, match=told):
        check(replace(PLAIN, **changed))
