"""Guides of every family: neutral at the start, blind to padding and to company, and bound to their base."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders
from mirante.encoders import clip, siglip, siglip2
from mirante.errors import ModelError, UsageError
from mirante.rerankers import Candidates, Collection, chain, rerank
from mirante.rerankers._guided import Guided
from mirante.rerankers._guided_files import begin, describe, read, write
from mirante.rerankers._guiding import Guiding
from mirante.rerankers.elip import Elip
from mirante.types import Embeddings, Picture, Run

FAMILIES = {"clip": clip, "siglip": siglip, "siglip2": siglip2}
PROMPTS = Guiding(prompts=2, width=16)
WORDS = Guiding(prompts=2, width=16, reads="tokens", deep=2)
ATTENTION = Guiding(form="attention", reads="tokens", width=16, entry=1)
SHAPES = {"prompts, pooled": PROMPTS, "prompts, tokens": WORDS, "attention": ATTENTION}
TEXTS = ("a red square", "two big blue stars on a lawn at night", "", "um peixe")


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request, tmp_path_factory):
    """A tiny random checkpoint."""
    return FAMILIES[request.param].tiny(tmp_path_factory.mktemp(request.param) / "model")


@pytest.fixture(scope="module")
def base(folder):
    opened = encoders.load(folder)
    opened.module.eval().requires_grad_(requires_grad=False)
    return opened


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (40 + 4 * n, 60, 3), dtype=np.uint8)) for n in range(6)]
    return [Picture(str(n), f"noise {n}", one.copy) for n, one in enumerate(noise)]


def guided(base, guiding, *, gates=None):
    torch.manual_seed(0)
    made = Guided(base, guiding)
    for block in getattr(made.guide, "blocks", ()) if gates is not None else ():
        block.gates.data.fill_(gates)
    made.guide.eval().requires_grad_(requires_grad=False)
    return made


def asked(base, pictures, text="a red square"):
    rows, query = base.encode_images([one.load() for one in pictures]), base.encode_texts([text])[0]
    order = np.argsort(-(rows @ query))
    return Candidates(text, [pictures[at] for at in order], rows[order] @ query, query, rows[order])


def test_a_new_attention_guide_gives_the_bases_own_cosines(base, pictures):
    candidates = asked(base, pictures)
    found = Elip(guided(base, ATTENTION)).guided_scores(candidates)
    np.testing.assert_allclose(found, candidates.rows @ candidates.query, atol=1e-5)
    moved = Elip(guided(base, ATTENTION, gates=0.5)).guided_scores(candidates)
    assert np.abs(moved - found).max() > 1e-3


@pytest.mark.parametrize("guiding", SHAPES.values(), ids=SHAPES)
def test_with_weight_0_the_ranking_is_the_bases(base, pictures, guiding):
    candidates = asked(base, pictures)
    found = Elip(guided(base, guiding, gates=1.0), 0.0).score(candidates)
    assert np.array_equal(found, candidates.rows @ candidates.query)


def test_the_weight_is_that_of_the_guided_cosine(base, pictures):
    candidates, made = asked(base, pictures), guided(base, WORDS)
    alone, base_own = Elip(made).score(candidates), candidates.rows @ candidates.query
    np.testing.assert_allclose(Elip(made, 2.0).score(candidates), base_own + 2 * alone, atol=1e-6)


@pytest.mark.parametrize("guiding", SHAPES.values(), ids=SHAPES)
def test_a_query_says_the_same_alone_and_among_128(base, guiding):
    made = guided(base, guiding, gates=0.5)
    many = [*TEXTS, *(f"{number} yellow boats and a tree" for number in range(124))]
    together = made.read(many)
    told = made.say(together)
    for row, text in enumerate(TEXTS):
        alone = made.read([text])
        seen = alone.seen[0]
        torch.testing.assert_close(alone.rows[0], together.rows[row], rtol=0, atol=1e-5)
        torch.testing.assert_close(alone.tokens[0][seen], together.tokens[row][seen], rtol=0, atol=1e-5)
        assert torch.equal(seen, together.seen[row])
        torch.testing.assert_close(made.say(alone)[0][0], told[0][row], rtol=0, atol=1e-4)


@pytest.mark.parametrize("guiding", [WORDS, ATTENTION], ids=["prompts", "attention"])
def test_padding_that_the_base_does_not_see_says_nothing(base, pictures, guiding):
    made = guided(base, guiding, gates=0.5)
    said = made.read(["a red square"])
    if said.seen.all():
        pytest.skip("this family sees every token")
    changed = type(said)(said.rows, torch.where(said.seen[..., None], said.tokens, 9.0), said.seen)
    hidden = made.see([pictures[0].load()])
    found = [made.scores(hidden, one, made.say(one)) for one in (said, changed)]
    torch.testing.assert_close(*found, rtol=0, atol=1e-6)


@pytest.mark.parametrize("guiding", SHAPES.values(), ids=SHAPES)
def test_each_candidate_is_scored_for_itself(base, pictures, guiding, monkeypatch):
    """Whole, in pieces of two, and one by one."""
    candidates, made = asked(base, pictures), guided(base, guiding, gates=0.5)
    whole = Elip(made).guided_scores(candidates)
    monkeypatch.setattr(base, "batch", 2)
    np.testing.assert_allclose(Elip(made).guided_scores(candidates), whole, atol=1e-5)
    one = Candidates(
        candidates.text, candidates.pictures[3:4], candidates.scores[3:4], candidates.query, candidates.rows[3:4]
    )
    np.testing.assert_allclose(Elip(made).guided_scores(one), whole[3:4], atol=1e-5)


def test_a_guide_that_was_saved_scores_the_same(folder, base, pictures, tmp_path):
    candidates, made = asked(base, pictures), guided(base, WORDS)
    write(tmp_path / "guide", made, 2.0)
    (opened,) = chain([f"elip:{tmp_path / 'guide'}"], encoders.load(folder))
    assert np.array_equal(opened.score(candidates), Elip(made, 2.0).score(candidates))
    assert opened.name == f"elip:{tmp_path / 'guide'}"
    assert describe(tmp_path / "guide").guiding == WORDS
    write(tmp_path / "alone", made, None)
    assert read(tmp_path / "alone", base)[1] is None


def test_training_goes_on_from_a_guide_of_the_same_shape(base, pictures, tmp_path):
    candidates, made = asked(base, pictures), guided(base, WORDS)
    start = str(write(tmp_path / "guide", made, 2.0))
    assert np.array_equal(Elip(begin(base, WORDS, start)).score(candidates), Elip(made).score(candidates))
    assert not np.array_equal(Elip(begin(base, WORDS)).score(candidates), Elip(made).score(candidates))
    with pytest.raises(UsageError, match=r"another shape than \[elip.guide\]: give deep = 2, prompts = 2, as it has"):
        begin(base, replace(WORDS, prompts=4, deep=1), start)


def test_only_the_first_answers_change_places(base, pictures):
    made = Elip(guided(base, ATTENTION, gates=3.0), 50.0)
    rows, queries = base.encode_images([one.load() for one in pictures]), base.encode_texts(TEXTS)
    ids, asked_ids = tuple("abcdef"), tuple("wxyz")
    order = np.argsort(-(queries @ rows.T), axis=1).astype(np.int32)
    run = Run(asked_ids, ids, order, np.take_along_axis(queries @ rows.T, order, axis=1))
    collection = Collection(
        dict(zip(asked_ids, TEXTS, strict=True)), dict(zip(ids, pictures, strict=True)),
        Embeddings(asked_ids, queries, base.provenance), Embeddings(ids, rows, base.provenance),
    )  # fmt: skip
    found = rerank(run, made, collection, depth=3)
    assert np.array_equal(found.indices[:, 3:], order[:, 3:])
    assert (np.sort(found.indices[:, :3]) == np.sort(order[:, :3])).all()
    assert (found.indices[:, :3] != order[:, :3]).any()


def test_another_base_is_refused(folder, base, tmp_path):
    write(tmp_path / "guide", guided(base, WORDS), 1.0)
    other = encoders.load(shutil.copytree(folder, tmp_path / "other"))
    chain([f"elip:{tmp_path / 'guide'}"], other)  # the same weights elsewhere are the same base
    other.module.logit_scale.data += 1.0
    other.save(tmp_path / "moved")
    other = encoders.load(tmp_path / "moved")
    with pytest.raises(UsageError, match=r"was trained on .* not on .* give --model"):
        chain([f"elip:{tmp_path / 'guide'}"], other)


@pytest.mark.parametrize("harm", ["no notes", "no json", "no weights", "cut weights", "other shape"])
def test_a_damaged_guide_is_one_clear_error(base, tmp_path, harm):
    home = write(tmp_path / "guide", guided(base, WORDS), 1.0)
    notes, weights = home / "elip.json", home / "guide.safetensors"
    if harm == "no notes":
        shutil.move(notes, tmp_path / "gone")
    elif harm == "no json":
        notes.write_text("{", encoding="utf-8")
    elif harm == "no weights":
        weights.unlink()
    elif harm == "cut weights":
        weights.write_bytes(weights.read_bytes()[:-9])
    else:
        plain = json.loads(notes.read_text(encoding="utf-8"))
        plain["guiding"]["prompts"] = 5
        notes.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises((UsageError, ModelError), match=r"guide"):
        chain([f"elip:{home}"], base)


@pytest.mark.parametrize(
    ("guiding", "told"),
    [
        (Guiding(prompts=0), "prompts .* at least 1, not 0"),
        (Guiding(deep=0), "deep .* at least 1"),
        (Guiding(entry=-1), "entry .* at least 0"),
        (Guiding(dropout=1.0), "dropout .* less than 1, not 1"),
        (Guiding(form="attention"), 'set reads = "tokens"'),
        (Guiding(reads="tokens", width=30), "width = 30 must be a multiple of 4"),
        (Guiding(entry=2), "entry must be from 0 to 1"),
    ],
)
def test_a_guide_that_cannot_be_is_refused(base, guiding, told):
    with pytest.raises(UsageError, match=told):
        Guided(base, guiding)
