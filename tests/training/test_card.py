"""The card of a checkpoint: what the hub reads, and what a reader needs to judge the numbers."""

import re
from dataclasses import replace
from pathlib import Path

import huggingface_hub
import pytest

from mirante.rerankers._guiding import Guiding
from mirante.training import Parameters, TrainConfig, Training, card
from mirante.training.config import Data, Elip, Lora, LossTerm, Memory, Model, Trained
from mirante.training.forgetting import Forgetting, forgetting
from mirante.training.snapshot import Measured, Snapshot
from mirante.types import Estimate, Protocol, Provenance

TARGET = Protocol("hf:ana/flickr-pt:test", "", "text_to_image", 1000, 5000, 5.0, "shared", 1000, dropped=2)
RETAIN = replace(TARGET, data="/home/ana/photos:test", gallery=300, queries=300, captions_per_image=1.0, dropped=0)
CONFIG = TrainConfig(
    out="runs/clip-pt",
    model=Model(start="openai/clip-vit-base-patch32"),
    data=Data("hf:ana/flickr-pt:train", language="pt-BR", retain="/home/ana/photos:test", retain_language="en"),
    trained=Trained(image="none", text=2, lora=Lora(rank=4, alpha=8)),
    losses=(LossTerm("infonce"), LossTerm("sigmoid", weight=0.5, texts="full")),
    memory=Memory(precision="bf16"),
    steps=400,
    batch=256,
    usd_per_hour=0.5,
    seed=7,
)


def measured(protocol: Protocol, value: float) -> Measured:
    one = Estimate(value, value - 0.02, value + 0.03)
    return Measured({"hit_rate@1": one, "median_rank": Estimate(3, 2, 4)}, protocol)


@pytest.fixture
def done(tmp_path: Path) -> Training:
    (tmp_path / "checkpoint").mkdir()
    return Training(
        checkpoint=tmp_path / "checkpoint",
        steps=400,
        seconds=5400.0,
        before=Snapshot(measured(TARGET, 0.183), measured(RETAIN, 0.80)),
        after=Snapshot(measured(TARGET, 0.763), measured(RETAIN, 0.70)),
        loss=0.1,
        cost={"hours": 1.5, "usd": 0.75, "peak_bytes": 2e9},
        predicted={"hours": 1.0, "usd": 0.5, "peak_bytes": 3e9},
        unreadable={"a.jpg": "truncated"},
        parameters=Parameters(1_000, 20_000),
        base=Provenance("openai/clip-vit-base-patch32@main", "3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268", "p"),
    )


def written(done: Training, config: TrainConfig = CONFIG, lang: str = "en") -> str:
    path = card.write(done, config, lang)
    assert path == done.checkpoint / "README.md"
    return path.read_text(encoding="utf-8")


def test_the_hub_reads_its_front_matter(done: Training) -> None:
    told = huggingface_hub.ModelCard(written(done)).data.to_dict()
    assert told == {
        "library_name": "transformers",
        "pipeline_tag": "zero-shot-image-classification",
        "tags": ["mirante", "image-text-retrieval"],
        "base_model": "openai/clip-vit-base-patch32",
        "base_model_relation": "finetune",
        "language": ["pt", "en"],
        "datasets": ["ana/flickr-pt"],
    }


def test_adapters_kept_apart_are_an_adapter_of_their_base(done: Training) -> None:
    (done.checkpoint / "adapter_config.json").write_text("{}")
    told = huggingface_hub.ModelCard(written(done)).data.to_dict()
    assert told["library_name"] == "peft"
    assert told["base_model_relation"] == "adapter"


@pytest.mark.parametrize("base", ["scenes", "/home/ana/models/clip", "./clip", "runs/clip"])
def test_only_a_hub_id_is_a_base_model_of_the_hub(
    done: Training, base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "clip").mkdir(parents=True)
    page = written(replace(done, base=Provenance(base, "0123456789abcdef", "p")))
    assert "base_model" not in huggingface_hub.ModelCard(page).data.to_dict()
    assert f"`{base.rpartition('/')[2]}`, revision `0123456789abcdef`" in page.replace("./", "").replace("runs/", "")


def test_both_sides_stand_before_and_after_with_intervals_under_their_protocol(done: Training) -> None:
    page = written(done)
    target, retain = page.index("### Target: `hf:ana/flickr-pt:test` (pt-BR)"), page.index("### Not to be forgotten")
    assert "| `hit_rate@1` | 18.3 % [16.3, 21.3] | 76.3 % [74.3, 79.3] |" in page[target:retain]
    assert "5,000 captions each ask for their pictures in a gallery of 1,000 images, with 5.0" in page[target:retain]
    assert "when any of its right pictures is found" in page[target:retain]
    assert "Unreadable images left out: 2." in page[target:retain]
    assert "| `hit_rate@1` | 80.0 % [78.0, 83.0] | 70.0 % [68.0, 73.0] |" in page[retain:]
    assert "300 captions each ask for their pictures in a gallery of 300 images, with 1.0" in page[retain:]
    assert "| `median_rank` | 3 [2, 4] | 3 [2, 4] |" in page
    assert "Forgot: right at rank 1 on the retained data fell from 80.0 %" in page
    assert "(-10.0 points)" in page


def test_it_says_what_was_trained_how_and_what_it_cost(done: Training) -> None:
    page = written(done)
    for row in (
        "| Learnt from | `hf:ana/flickr-pt:train` |",
        "| Unreadable pictures left out | 1 |",
        "| Image tower | locked |",
        "| Text tower | last 2 blocks and what follows them |",
        "| Adapters | LoRA of rank 4, alpha 8, merged into the weights |",
        "| Parameters trained | 1,000 of 20,000 (5.0 %) |",
        "| Objective | `infonce` + 0.5 × `sigmoid` (texts: full) |",
        "| Steps | 400 |",
        "| Batch (pictures) | 256 |",
        "| Precision | bf16 |",
        "| Seed | 7 |",
        "| Cost | 1.5 hours, 2.00 GB of memory, 0.75 USD |",
        "| Expected | 1 hours, 3.00 GB of memory, 0.50 USD |",
    ):
        assert row in page
    assert "revision `3d74acf9a28c67741b2f4f2ea7635f0aaf6f0268`" in page
    assert "The licences of the base model and of the data apply to these weights" in page


def test_a_guide_is_no_model_and_says_how_to_use_it(done: Training) -> None:
    guided = replace(CONFIG, trained=Trained(), elip=Elip(Guiding(prompts=10, entry=6), loss="sigmoid", candidates=4))
    page = written(done, guided)
    assert 'library_name: "mirante"' in page
    assert "pipeline_tag" not in page
    assert 'base_model_relation: "adapter"' in page
    assert "--rerank elip:FOLDER" in page
    assert "prompts from layer 6 on, 1 layers; reads pooled; prompts: 10; candidates of a text: 4" in page
    assert "| Objective | `sigmoid` |" in page
    assert page.count("| locked |") == 2


def test_no_folder_of_the_machine_is_told(done: Training) -> None:
    page = written(done, replace(CONFIG, out="/home/ana/runs/clip-pt"))
    assert "# clip-pt" in page
    assert "`photos:test`" in page
    assert "ana/photos" not in page
    assert "/home" not in page


def test_a_run_that_a_limit_stopped_says_by_which(done: Training) -> None:
    assert "| Stopped by |" not in written(done)
    assert "| Stopped by | `max_hours` |" in written(replace(done, stopped="max_hours"))


def test_without_a_price_there_is_no_money(done: Training) -> None:
    page = written(done, replace(CONFIG, usd_per_hour=0.0))
    assert "| Cost | 1.5 hours, 2.00 GB of memory |" in page
    assert "| Expected | 1 hours, 3.00 GB of memory |" in page
    assert "USD" not in page


def test_a_checkpoint_that_validation_chose_is_said_to_be_optimistic(done: Training) -> None:
    assert "best of several validations" not in written(done)
    assert "best of several validations" in written(done, replace(CONFIG, validate_every=100))


def test_a_new_model_has_no_base_and_nothing_before(done: Training) -> None:
    new = replace(done, base=None, before=Snapshot(), after=Snapshot(target=done.after.target))
    page = written(new, replace(CONFIG, data=Data("scenes:train")))
    assert "base_model" not in page
    assert "| `hit_rate@1` | – | 76.3 % [74.3, 79.3] |" in page
    assert "trained with Mirante from nothing" in page
    assert "Not to be forgotten" not in page
    assert "The licence of the data applies" in page


def test_nothing_measured_is_said(done: Training) -> None:
    assert "Nothing was measured" in written(replace(done, before=Snapshot(), after=Snapshot()))


def test_in_portuguese_no_english_is_left(done: Training) -> None:
    page = written(done, lang="pt")
    assert "ajustado com Mirante" in page
    assert "As licenças do modelo de base e dos dados" in page
    assert not re.search(r"\b(the|pictures|captions|trained|steps|before|after)\b", page.lower())


@pytest.mark.parametrize(
    ("before", "after", "verdict", "change"),
    [
        ((0.80, 0.78, 0.82), (0.80, 0.78, 0.82), "kept", 0.0),
        ((0.80, 0.78, 0.82), (0.85, 0.83, 0.87), "kept", 5.0),
        ((0.80, 0.78, 0.82), (0.77, 0.75, 0.78), "unclear", -3.0),
        ((0.80, 0.78, 0.82), (0.76, 0.74, 0.77), "forgot", -4.0),
        ((0.80, 0.80, 0.80), (0.79, 0.79, 0.79), "forgot", -1.0),
    ],
    ids=["equal", "better", "intervals that touch", "intervals apart", "no intervals"],
)
def test_what_counts_as_forgotten(
    before: tuple[float, float, float], after: tuple[float, float, float], verdict: str, change: float
) -> None:
    found = Forgetting(Estimate(*before), Estimate(*after))
    assert found.verdict == verdict
    assert found.change == pytest.approx(change)


def test_nothing_retained_is_nothing_to_compare() -> None:
    assert forgetting(Snapshot(measured(TARGET, 0.5)), Snapshot(measured(TARGET, 0.6))) is None
