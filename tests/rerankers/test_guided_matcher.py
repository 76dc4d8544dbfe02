"""A guide over a BLIP-2: the library's own score where nothing is told, its base comes along, any run is re-ranked."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders
from mirante.encoders import _tiny, clip
from mirante.encoders._matcher import open_matcher
from mirante.encoders._prompted import unsteered
from mirante.encoders._qformer import open_qformer
from mirante.errors import UsageError
from mirante.rerankers import Candidates, chain
from mirante.rerankers._guided_files import describe, read, write
from mirante.rerankers._guided_matcher import GuidedMatcher
from mirante.rerankers._guiding import Guiding
from mirante.rerankers.elip import Elip
from mirante.types import Picture

PAPER = Guiding(prompts=1, width=16)
WORDS = Guiding(prompts=2, width=16, reads="tokens", deep=2)
ATTENTION = Guiding(form="attention", reads="tokens", width=16, entry=1)
SHAPES = {"prompts, pooled": PAPER, "prompts, tokens": WORDS, "attention": ATTENTION}
TEXTS = ("a red square on a blue background", "três peixes verdes", "", "um cão")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random BLIP-2 whose queries differ: a new model starts them at zero."""
    place = tmp_path_factory.mktemp("blip-2")
    matcher = open_matcher(_tiny.blip2(place / "new"))
    torch.manual_seed(3)
    torch.nn.init.normal_(matcher.module.query_tokens.data)
    for part in (matcher.module, matcher.tokenizer, matcher.image_processor):
        part.save_pretrained(place / "model")
    return str(place / "model")


@pytest.fixture(scope="module")
def base(folder):
    opened = open_qformer(folder)
    opened.module.requires_grad_(False)
    return opened


@pytest.fixture(scope="module")
def matcher(folder):
    """The same weights, opened for `itm:`; its scores are tested against the library's own forward pass."""
    return open_matcher(folder)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """Another model, whose run is re-ranked."""
    return encoders.load(clip.tiny(tmp_path_factory.mktemp("clip") / "model"))


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (40 + 4 * n, 60, 3), dtype=np.uint8)) for n in range(5)]
    return [Picture(str(n), f"noise {n}", one.copy) for n, one in enumerate(noise)]


def guided(base, guiding, *, gates=None):
    torch.manual_seed(0)
    made = GuidedMatcher(base, guiding)
    for block in getattr(made.guide, "blocks", ()) if gates is not None else ():
        block.gates.data.fill_(gates)
    made.guide.eval().requires_grad_(requires_grad=False)
    return made


def asked(pictures, text=TEXTS[0]):
    rows = np.eye(len(pictures), dtype=np.float32)
    return Candidates(text, pictures, np.linspace(1, 0, len(pictures), dtype=np.float32), rows[0], rows)


@torch.no_grad()
def unguided(matcher, pictures, text):
    """What `itm:` gives: the logit of a match and the cosine, by the library's own vision tower."""
    seen = matcher.see([one.load() for one in pictures])
    return (matcher.match(text, seen) + matcher.similarity(text, seen)).numpy()


@pytest.mark.parametrize("entry", [0, 1])
def test_without_prompts_the_score_is_that_of_the_library(base, matcher, pictures, entry):
    """m = 0 leaves the tower alone; every text in one batch, padded, against its picture."""
    made = guided(base, Guiding(prompts=1, width=16, entry=entry))
    hidden, said = made.see([pictures[0].load()] * 4), made.read(TEXTS)
    told = (made.say(said)[0][:, :, :0],)
    wanted = [unguided(matcher, pictures[:1], text)[0] for text in TEXTS]
    np.testing.assert_allclose(made.scores(hidden, said, told), wanted, rtol=1e-4, atol=1e-4)
    prompted = made.scores(hidden, said, made.say(said)).numpy()
    assert np.abs(prompted - wanted).max() > 1e-3


def test_a_new_attention_guide_gives_the_score_of_the_library(base, matcher, pictures):
    for text in TEXTS[:2]:
        found = Elip(guided(base, ATTENTION)).score(asked(pictures, text))
        np.testing.assert_allclose(found, unguided(matcher, pictures, text), rtol=1e-4, atol=1e-4)
    moved = Elip(guided(base, ATTENTION, gates=0.5)).score(asked(pictures, text))
    assert np.abs(moved - found).max() > 1e-3


@pytest.mark.parametrize("guiding", SHAPES.values(), ids=SHAPES)
def test_the_score_is_match_and_cosine_of_the_hidden_states_under_the_query(base, matcher, pictures, guiding):
    made = guided(base, guiding, gates=0.5)
    said, images = made.read(TEXTS[:1]), [one.load() for one in pictures]
    each = torch.zeros(len(images), dtype=torch.int64)
    told = tuple(one[each] for one in made.say(said))
    with torch.no_grad():
        seen = made.tower.upper(made.see(images), made.guide.steer(told, 1))
        match, cosine = matcher.match(TEXTS[0], seen), matcher.similarity(TEXTS[0], seen)
        np.testing.assert_allclose(Elip(made).score(asked(pictures)), match + cosine, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(made.match(made.see(images), said[each], told), match, rtol=1e-4, atol=1e-4)


def test_the_base_is_the_librarys_own_similarity(base, matcher, pictures):
    made, images = guided(base, PAPER), [one.load() for one in pictures]
    found = made.base(made.see(images), made.read(TEXTS))
    wanted = np.stack([matcher.similarity(text, matcher.see(images)).detach() for text in TEXTS])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert found.shape == (4, 5)


@pytest.mark.parametrize("guiding", SHAPES.values(), ids=SHAPES)
def test_a_query_says_the_same_alone_and_among_128(base, guiding):
    made = guided(base, guiding, gates=0.5)
    together = made.read([*TEXTS, *(f"{number} yellow boats and a tree" for number in range(124))])
    told = made.say(together)[0]
    for row, text in enumerate(TEXTS):
        alone = made.read([text])
        length = alone.ids.shape[1]
        assert torch.equal(alone.ids[0], together.ids[row, :length])
        assert together.seen[row].sum() == length
        torch.testing.assert_close(alone.rows[0], together.rows[row], rtol=0, atol=1e-5)
        said = made.say(alone)[0][0]
        torch.testing.assert_close(said, told[row, : len(said)], rtol=0, atol=1e-4)


@pytest.mark.parametrize("guiding", SHAPES.values(), ids=SHAPES)
def test_each_candidate_is_scored_for_itself(base, pictures, guiding, monkeypatch):
    made = guided(base, guiding, gates=0.5)
    whole = Elip(made).score(asked(pictures))
    monkeypatch.setattr(base, "batch", 2)
    np.testing.assert_allclose(Elip(made).score(asked(pictures)), whole, atol=1e-4)
    np.testing.assert_allclose(Elip(made).score(asked(pictures[3:4])), whole[3:4], atol=1e-4)


def test_chosen_queries_keep_their_words(base):
    said = guided(base, PAPER).read(TEXTS)
    chosen = said[torch.tensor([2, 0, 0])]
    assert torch.equal(chosen.ids, said.ids[[2, 0, 0]])
    assert torch.equal(chosen.seen, said.seen[[2, 0, 0]])


def test_a_saved_guide_re_ranks_the_run_of_another_model(folder, base, other, pictures, tmp_path):
    made = guided(base, WORDS)
    home = write(tmp_path / "guide", made, None)
    (opened,) = chain([f"elip:{home}"], other)
    assert describe(home).kind == "matching"
    assert np.array_equal(opened.score(asked(pictures)), Elip(made).score(asked(pictures)))
    assert opened.guided.encoder.provenance.revision == base.provenance.revision


def test_the_base_runs_where_the_other_model_does_in_batches_no_larger(base, other, tmp_path, monkeypatch):
    home = write(tmp_path / "guide", guided(base, PAPER), None)
    for size, wanted in ((3, 3), (4096, base.batch)):
        monkeypatch.setattr(other, "batch", size)
        (opened,) = chain([f"elip:{home}"], other)
        assert (opened.guided.encoder.device, opened.guided.encoder.batch) == (other.device, wanted)
    (alone,) = chain([f"elip:{home}"], encoders.load("toy"))
    assert alone.guided.encoder.batch == base.batch


def test_the_weight_is_that_of_the_guided_score_beside_the_runs_own(base, pictures):
    made, candidates = guided(base, PAPER), asked(pictures)
    alone = Elip(made).score(candidates)
    np.testing.assert_allclose(Elip(made, 0.5).score(candidates), candidates.scores + 0.5 * alone, atol=1e-6)
    assert np.array_equal(Elip(made, 0.0).score(candidates), candidates.scores)


def test_notes_without_a_kind_are_of_two_towers(other, tmp_path):
    from mirante.rerankers._guided import Guided

    home = write(tmp_path / "guide", Guided(other, PAPER), 1.0)
    plain = json.loads((home / "elip.json").read_text(encoding="utf-8"))
    assert plain.pop("kind") == "dual"
    (home / "elip.json").write_text(json.dumps(plain), encoding="utf-8")
    assert describe(home).kind == "dual"
    assert isinstance(read(home, other)[0], Guided)


def test_a_base_that_is_gone_or_changed_is_one_clear_error(folder, base, other, tmp_path):
    copied = shutil.copytree(folder, tmp_path / "base")
    home = write(tmp_path / "guide", guided(open_qformer(str(copied)), PAPER), None)
    changed = open_qformer(str(copied))
    changed.module.query_tokens.data += 1.0
    changed.save(copied)
    with pytest.raises(
        UsageError, match=r"was trained on .* not on .*: put the weights that it was trained on back at"
    ):
        chain([f"elip:{home}"], other)
    shutil.rmtree(copied)
    with pytest.raises(UsageError, match=r"The base '.*base' of the guide in '.*' cannot be opened .* as base in elip"):
        chain([f"elip:{home}"], other)


def test_guided_or_not_is_told_apart(base, pictures):
    """The oracle of the others is not blind: another query and another picture give other scores."""
    made = guided(base, PAPER)
    found = Elip(made).score(asked(pictures))
    assert np.std(found) > 1e-3
    assert np.abs(found - Elip(made).score(asked(pictures, TEXTS[1]))).max() > 1e-3
    hidden = made.see([one.load() for one in pictures])
    assert made.tower.upper(hidden, unsteered).shape == (5, 17, 32)
