"""Blends: the line between two models is exact, the rule picks what it says, unlike models are refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders
from mirante.encoders import _tiny
from mirante.errors import DataError, ModelError, ModelMismatch, UnreadableImage, UsageError
from mirante.training.between import Between
from mirante.training.blend import Point, blend, choose
from mirante.training.sides import Side
from mirante.training.snapshot import Measured
from mirante.types import Caption, Estimate, Pairs, Picture, Protocol

COLOURS = ("red", "green", "blue", "gold", "black", "white")
PROTOCOL = Protocol("d", "", "text_to_image", 6, 6, 1.0, "shared", 6)
MOVED = {"text": "text_model.encoder.layers.0.mlp.fc1.weight", "image": "vision_model.encoder.layers.1.mlp.fc2.weight"}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """The address of a random SigLIP."""
    return _tiny.siglip(tmp_path_factory.mktemp("start") / "model")


def fine_tune(start, folder, *towers):
    """A copy of the model with other weights in one layer of each of `towers`; its address."""
    encoder = encoders.load(start)
    state = encoder.module.state_dict()
    for at, tower in enumerate(towers):
        noise = torch.randn(state[MOVED[tower]].shape, generator=torch.Generator().manual_seed(at))
        state[MOVED[tower]].add_(noise)
    return str(encoder.save(folder))


@pytest.fixture(scope="module")
def end(start, tmp_path_factory):
    """The address of a model that differs from the start in one layer of each tower."""
    return fine_tune(start, tmp_path_factory.mktemp("end") / "model", "text", "image")


class Counted:
    """A picture's pixels, and how often they were asked for; or a picture that cannot be read."""

    def __init__(self, colour, broken=False):
        self.colour, self.broken, self.asked = colour, broken, 0

    def __call__(self):
        self.asked += 1
        if self.broken:
            raise UnreadableImage("truncated", "no end")
        image = Image.new("RGB", (40, 32), self.colour)
        image.paste("grey", (0, 0, 20, 8 + 3 * COLOURS.index(self.colour)))
        return image


def some_pairs(name, broken=()):
    """Six pictures, one caption each."""
    loads = {colour: Counted(colour, colour in broken) for colour in COLOURS}
    images = tuple(Picture(colour, f"{name}-{colour}", load) for colour, load in loads.items())
    captions = tuple(Caption(f"c-{colour}", f"a {colour} square of {name}") for colour in COLOURS)
    relevance = {f"c-{colour}": frozenset({colour}) for colour in COLOURS}
    return Pairs(images, captions, relevance, name), loads


def states(between, *alphas):
    return [{k: v.clone() for k, v in between.at(alpha).module.state_dict().items()} for alpha in alphas]


def test_the_line_starts_at_the_start_and_ends_at_the_end_exactly(start, end):
    first, last = (encoders.load(one).module.state_dict() for one in (start, end))
    at_one, half, at_zero = states(Between(encoders.load(start), encoders.load(end)), 1.0, 0.5, 0.0)
    for name in first:
        assert torch.equal(at_zero[name], first[name]), name
        assert torch.equal(at_one[name], last[name]), name
        torch.testing.assert_close(half[name], (first[name] + last[name]) / 2, rtol=0, atol=1e-7)


def test_a_quarter_of_the_way_is_three_parts_start_and_one_part_end(start, end):
    first, last = (encoders.load(one).module.state_dict()[MOVED["text"]] for one in (start, end))
    (quarter,) = states(Between(encoders.load(start), encoders.load(end)), 0.25)
    torch.testing.assert_close(quarter[MOVED["text"]], 0.75 * first + 0.25 * last)


def test_only_what_differs_is_touched(start, end):
    between = Between(encoders.load(start), encoders.load(end))
    assert between.moved == frozenset(MOVED.values())
    (third,) = states(between, 1 / 3)
    first = encoders.load(start).module.state_dict()
    assert all(torch.equal(third[name], first[name]) for name in first if name not in between.moved)


def test_the_ends_encode_as_the_models_themselves(start, end):
    between, texts = Between(encoders.load(start), encoders.load(end)), ["a red square", "um cão"]
    assert np.array_equal(between.at(1.0).encode_texts(texts), encoders.load(end).encode_texts(texts))
    assert np.array_equal(between.at(0.0).encode_texts(texts), encoders.load(start).encode_texts(texts))


def point(alpha, target, retain):
    """Hit rates at rank 1, without intervals."""
    sides = (Measured({"hit_rate@1": Estimate(value, value, value)}, PROTOCOL) for value in (target, retain))
    return Point(alpha, *sides)


@pytest.mark.parametrize(
    ("curve", "tolerance", "chosen"),
    [
        ([(0, 0.10, 0.80), (0.5, 0.50, 0.79), (1, 0.60, 0.70)], 3, 0.5),
        ([(0, 0.10, 0.80), (0.5, 0.50, 0.79), (1, 0.60, 0.70)], 0.5, 0),
        ([(0, 0.10, 0.80), (0.5, 0.50, 0.79), (1, 0.60, 0.70)], 10, 1),
        ([(0, 0.10, 0.80), (0.5, 0.50, 0.77), (1, 0.60, 0.70)], 3, 0.5),
        ([(0, 0.10, 0.80), (0.5, 0.50, 0.80), (0.7, 0.50, 0.80), (1, 0.40, 0.80)], 3, 0.5),
        ([(0, 0.50, 0.80), (0.5, 0.40, 0.85), (1, 0.30, 0.90)], 3, 0),
        ([(0, 0.50, 0.80), (0.5, 0.50, 0.70)], 0, 0),
        ([(0, 0.10, 0.80), (0.3, 0.30, 0.70), (1, 0.20, 0.82)], 3, 1),
    ],
    ids=[
        "the best of those allowed",
        "none but the start",
        "all are allowed",
        "exactly at the tolerance",
        "of equal ones the smaller",
        "the start is the best",
        "the only point is the start",
        "not in order",
    ],
)
def test_the_rule(curve, tolerance, chosen):
    assert choose([point(*one) for one in curve], tolerance).alpha == chosen


@pytest.fixture
def run(start, end, tmp_path):
    """A blend of three alphas on two sides; how it went, and its document."""

    def go(end=end, target=None, retain=None, **settings):
        made = blend(
            encoders.load(start),
            encoders.load(end),
            target=Side(target or some_pairs("new")[0], "pt-BR"),
            retain=Side(retain or some_pairs("old")[0], "en"),
            out=tmp_path / "out",
            **{"alphas": (0.5, 1.0), **settings},
        )
        return made, json.loads((tmp_path / "out" / "blend.json").read_text(encoding="utf-8"))

    return go


def test_what_it_leaves_behind(run, start, end, tmp_path):
    made, document = run(tolerance=20)
    assert [one["alpha"] for one in document["points"]] == [0.0, 0.5, 1.0], "0 is added, in order"
    assert document["start"]["model"] == start
    assert document["end"]["model"] == end
    assert document["metric"] == "hit_rate@1"
    assert document["tolerance"] == 20
    assert document["checkpoint"] == str(tmp_path / "out" / "checkpoint") == str(made.checkpoint)
    for one in document["points"]:
        assert (one["target"]["protocol"]["data"], one["target"]["protocol"]["language"]) == ("new", "pt-BR")
        assert (one["retain"]["protocol"]["data"], one["retain"]["protocol"]["language"]) == ("old", "en")
        assert set(one["target"]["metrics"]["hit_rate@1"]) == {"value", "low", "high"}
        fall = document["points"][0]["retain"]["metrics"]["hit_rate@1"]["value"]
        fall -= one["retain"]["metrics"]["hit_rate@1"]["value"]
        assert one["lost"] == pytest.approx(100 * fall)
        assert one["allowed"] == (100 * fall <= 20 + 1e-9)
    allowed = [one for one in document["points"] if one["allowed"]]
    best = max(one["target"]["metrics"]["hit_rate@1"]["value"] for one in allowed)
    first = next(one for one in allowed if one["target"]["metrics"]["hit_rate@1"]["value"] == best)
    assert document["chosen"] == first["alpha"] == made.chosen


@pytest.mark.parametrize("wanted", [0.0, 0.5, 1.0])
def test_the_checkpoint_is_the_chosen_blend(run, start, end, monkeypatch, wanted):
    by_alpha = {0.0: 0.1, 0.5: 0.1, 1.0: 0.1, wanted: 0.9}
    answers = iter([point(alpha, by_alpha[alpha], 0.5) for alpha in (0.0, 0.5, 1.0)])

    def measure(sides, encoder):
        answer = next(answers)
        return answer.target, answer.retain

    monkeypatch.setattr("mirante.training.sides.Sides.measure", measure)
    made, _ = run()
    assert made.chosen == wanted
    (expected,) = states(Between(encoders.load(start), encoders.load(end)), wanted)
    opened = encoders.load(str(made.checkpoint)).module.state_dict()
    assert all(torch.equal(opened[name], expected[name]) for name in expected)
    assert [path.name for path in made.checkpoint.glob("*.safetensors")] == ["model.safetensors"]


def test_each_alpha_is_measured_as_that_model_alone(run, start, end):
    """The end's row equals what the end gives when nothing else is measured with it."""
    _, both = run(alphas=(0.5, 1.0))
    _, alone = run(alphas=(1.0,))
    assert both["points"][2] == alone["points"][1]


def test_pictures_are_decoded_once(run):
    pairs, loads = some_pairs("new")
    run(target=pairs, alphas=(0.25, 0.5, 1.0))
    assert {load.asked for load in loads.values()} == {1}


@pytest.mark.parametrize(("tower", "anew"), [("text", "encode_texts"), ("image", "encode_prepared")])
def test_a_tower_that_did_not_change_is_run_once(run, start, tmp_path, monkeypatch, tower, anew):
    from mirante.encoders._dual import DualEncoder

    calls = []
    for name in ("encode_texts", "encode_prepared"):
        plain = getattr(DualEncoder, name)
        monkeypatch.setattr(
            DualEncoder, name, lambda self, items, name=name, plain=plain: calls.append(name) or plain(self, items)
        )
    _, document = run(end=fine_tune(start, tmp_path / "end", tower), alphas=(0.5, 1.0))
    other = ({"encode_texts", "encode_prepared"} - {anew}).pop()
    assert calls.count(anew) == 3 * calls.count(other) == 6, "three models, two sides"
    assert len({json.dumps(one["target"]["metrics"]) for one in document["points"]}) > 1


def test_unreadable_pictures_are_left_out_and_counted(run):
    _, document = run(target=some_pairs("new", broken=("red", "blue"))[0])
    for one in document["points"]:
        assert one["target"]["protocol"]["dropped"] == 2
        assert one["target"]["protocol"]["gallery"] == 4
        assert one["retain"]["protocol"]["dropped"] == 0
    with pytest.raises(DataError, match="'new' has no readable picture"):
        run(target=some_pairs("new", broken=COLOURS)[0])


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_an_alpha_is_from_0_to_1(run, alpha, tmp_path):
    with pytest.raises(UsageError, match="alpha must be from 0"):
        run(alphas=(0.5, alpha))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("tolerance", [-1, float("nan")])
def test_a_tolerance_is_not_negative(run, tolerance):
    with pytest.raises(UsageError, match="tolerance must be 0 points or more"):
        run(tolerance=tolerance)


def refused(start, other):
    with pytest.raises(ModelMismatch) as caught:
        Between(start, other)
    assert "cannot be blended" in str(caught.value)
    return str(caught.value)


def test_models_that_are_not_alike_are_refused(start, tmp_path):
    first = encoders.load(start)
    assert "one is a SiglipModel, the other a CLIPModel" in refused(first, encoders.load(_tiny.clip(tmp_path / "clip")))

    wide = encoders.load(start)
    wide.module.text_model.head = torch.nn.Linear(32, 48)
    assert "'text_model.head.bias' has shape (32,) in one and (48,) in the other" in refused(first, wide)

    heads = encoders.load(start)
    heads.module.config.vision_config.num_attention_heads = 2
    assert "num_attention_heads of the vision_config is 4 in one and 2 in the other" in refused(first, heads)

    words = encoders.load(start)
    words.tokenizer.add_tokens(["zzz"])
    assert "their tokenizers have other words" in refused(first, words)

    pictures = encoders.load(start)
    pictures._provenance = replace(pictures.provenance, preprocessing="0" * 16)
    assert f"(fingerprints {first.provenance.preprocessing} and {'0' * 16})" in refused(first, pictures)


def test_an_encoder_without_weights_is_refused(start):
    with pytest.raises(ModelError, match="'toy' has no weights to blend"):
        Between(encoders.load("toy"), encoders.load(start))
