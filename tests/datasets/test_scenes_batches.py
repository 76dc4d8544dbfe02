"""Training batches of scenes: positives are exactly the truth, partners come together."""

from dataclasses import replace

import numpy as np
import pytest
from scenes_read import read, true_of

from mirante.datasets.scenes import SceneDataset
from mirante.datasets.scenes.batches import with_partners
from mirante.datasets.scenes.claims import Claim, Group, full, turned
from mirante.datasets.scenes.grammar import say
from mirante.datasets.scenes.world import RELATIONS, SWAPS, swap

DATA = SceneDataset()


def batches(split="train-80", language="en", partials=2, partners=1.0, false_captions="swaps"):
    made = DATA.batches(split, language, partials=partials, partners=partners)
    return replace(made, false_captions=false_captions)


def told_as(batch, role):
    """The claims that the texts of one role make."""
    return [read(text, "en") for text, one in zip(batch.texts, batch.roles, strict=True) if one == role]


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize("false_captions", ["partners", "swaps", "hard", "sides"])
@pytest.mark.parametrize("partners", [0.0, 1.0])
def test_positives_are_exactly_what_each_text_is_true_of(language, partners, false_captions):
    """Each text is read back from its words, in whatever wording, and decided by plain loops."""
    made = batches(language=language, partners=partners, false_captions=false_captions)
    for seed in range(2):
        batch = made.draw(0, 24, seed=seed)
        shown = [made.scenes[row] for row in batch.rows]
        told = [read(text, language) for text in batch.texts]
        expected = [[true_of(claim, scene) for scene in shown] for claim in told]
        assert batch.positives.tolist() == expected


def test_shapes_and_kinds_of_a_batch():
    batch = batches().draw(0, 24, seed=0)
    assert (batch.rows.shape, batch.rows.dtype) == ((24,), np.int64)
    assert batch.positives.shape == (len(batch.texts), 24)
    assert batch.positives.dtype == np.bool_
    assert batch.roles.shape == (len(batch.texts),)
    assert set(batch.roles.tolist()) == {"full", "noun", "partial"}


def test_pictures_and_texts_of_a_batch_are_distinct():
    for seed in range(6):
        batch = batches().draw(0, 30, seed=seed)
        assert len(set(batch.rows.tolist())) == 30
        assert len(set(batch.texts)) == len(batch.texts)


def test_every_picture_has_a_full_text_that_is_true_of_it():
    batch = batches().draw(0, 24, seed=3)
    assert batch.positives[batch.roles == "full"].any(axis=0).all()


def test_full_texts_are_the_full_claims_of_the_pictures_and_of_their_partners():
    made = batches(partners=0.0)
    batch = made.draw(0, 24, seed=5)
    shown = [made.scenes[row] for row in batch.rows]
    partners = [other for scene in shown for what in SWAPS if (other := swap(scene, what))]
    named = {claim for scene in [*shown, *partners] for claim in (full(scene), turned(full(scene)))}
    for text, role in zip(batch.texts, batch.roles, strict=True):
        assert (read(text, "en") in named) == (role == "full")
    assert 24 <= (batch.roles == "full").sum() <= 24 + sum(scene.is_pair for scene in shown)


def test_a_pair_brings_the_text_of_a_partner_that_is_not_there_as_a_hard_negative():
    batch = batches(partners=0.0).draw(0, 24, seed=6)
    assert (~batch.positives[batch.roles == "full"].any(axis=1)).any()


def test_bare_nouns_name_every_kind_that_is_shown_and_nothing_else():
    made = batches()
    batch = made.draw(0, 24, seed=4)
    kinds = {thing.kind for row in batch.rows for thing in made.scenes[row].things}
    nouns = [text for text, role in zip(batch.texts, batch.roles, strict=True) if role == "noun"]
    assert sorted(nouns) == sorted(say(Claim((Group(kind, count=None),))) for kind in kinds)


def test_partners_alone_bring_what_is_false():
    """Of full captions there is one for each picture, and no other."""
    made = batches("hard-train-40", partials=0, false_captions="partners")
    batch = made.draw(0, 16, seed=0)
    assert batch.roles.tolist() == ["full"] * 16
    assert (batch.positives == np.eye(16, dtype=bool)).all()


def test_hard_false_captions_turn_the_sides_of_every_pair():
    made = batches(partners=0.0, false_captions="hard")
    batch = made.draw(0, 24, seed=7)
    told = set(told_as(batch, "full"))
    for scene in (made.scenes[row] for row in batch.rows):
        if scene.is_pair:
            wrong = full(swap(scene, "side"))
            assert {wrong, turned(wrong)} & told


def test_hard_false_captions_count_wrongly_whatever_is_no_pair():
    made = batches(partners=0.0, false_captions="hard")
    batch = made.draw(0, 24, seed=7)
    told = told_as(batch, "full")
    for scene in (made.scenes[row] for row in batch.rows):
        if not scene.is_pair:
            (group,) = full(scene).groups
            alike = [one for one in told if replace(one.groups[0], count=None) == replace(group, count=None)]
            counts = {one.groups[0].count for one in alike if one.background == scene.background}
            assert len(scene.things) in counts
            assert len(counts) >= 3


def test_sides_tell_the_bare_kinds_of_pairs_in_every_relation_one_of_them_true():
    made = batches(partners=0.0, false_captions="sides")
    batch = made.draw(0, 24, seed=8)
    pairs = [made.scenes[row] for row in batch.rows if made.scenes[row].is_pair]
    told = {frozenset((one, turned(one))) for one in told_as(batch, "side")}
    for scene in pairs:
        kinds = tuple(Group(thing.kind) for thing in scene.things)
        asked = [Claim(kinds, relation) for relation in RELATIONS]
        assert {frozenset((one, turned(one))) for one in asked} <= told
        assert [true_of(one, scene) for one in asked].count(True) == 1


def test_without_partials_only_full_texts_and_nouns_are_told():
    roles = batches(partials=0).draw(0, 24, seed=0).roles
    assert set(roles.tolist()) == {"full", "noun"}


def test_more_partials_tell_more_texts():
    few, many = (len(batches(partials=n).draw(0, 24, seed=0).texts) for n in (1, 4))
    assert few < many


def test_partners_come_together():
    made = batches(partners=1.0)
    for seed in range(6):
        rows = made.draw(0, 24, seed=seed).rows.tolist()
        alone = [row for row in rows if made.partner[row] >= 0 and made.partner[row] not in rows]
        assert len(alone) <= 1, "only the last place of a batch may cut a couple"


def test_partners_are_one_exchange_away_and_point_at_each_other():
    made = batches(partners=1.0)
    coupled = [row for row in range(len(made.scenes)) if made.partner[row] >= 0]
    assert len(coupled) >= 40
    for row in coupled:
        other = int(made.partner[row])
        assert made.partner[other] == row
        assert made.scenes[other] in [swap(made.scenes[row], what) for what in SWAPS]


def test_partners_are_added_after_the_given_scenes():
    scenes = list(DATA.scenes("train-40"))
    longer, partner = with_partners(scenes, 1.0)
    pairs = sum(scene.is_pair for scene in scenes)
    assert longer[:40] == scenes
    assert 0.6 * pairs < len(longer) - 40 <= pairs
    assert partner.shape == (len(longer),)


def test_no_share_of_partners_adds_none():
    scenes = list(DATA.scenes("train-40"))
    longer, partner = with_partners(scenes, 0.0)
    assert longer == scenes
    assert partner.tolist() == [-1] * 40


def test_a_share_of_partners_is_about_that_share():
    scenes = list(DATA.scenes("train-600"))
    whole, half = (len(with_partners(scenes, share)[0]) - 600 for share in (1.0, 0.5))
    assert half / whole == pytest.approx(0.5, abs=0.12)


def test_pictures_are_the_scenes_in_order():
    made = batches()
    assert [picture.content for picture in made.pictures] == [scene.content for scene in made.scenes]
    assert len({picture.id for picture in made.pictures}) == len(made.pictures)


def test_a_batch_larger_than_the_data_is_all_of_it():
    made = batches("train-10", partners=0.0)
    assert sorted(made.draw(0, 64, seed=0).rows.tolist()) == list(range(10))


def test_the_same_generator_state_gives_the_same_batch():
    one, same, other = (batches().draw(0, 16, seed=seed) for seed in (1, 1, 2))
    assert (one.rows.tolist(), one.texts) == (same.rows.tolist(), same.texts)
    assert np.array_equal(one.positives, same.positives)
    assert one.rows.tolist() != other.rows.tolist()
