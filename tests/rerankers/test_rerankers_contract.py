"""What every re-ranker promises, asked of each component that the registry lists."""

import numpy as np
import pytest
import torch
from PIL import Image

from mirante import encoders, registry
from mirante.encoders import _tiny
from mirante.errors import MiranteError
from mirante.rerankers import Candidates, Collection, chain, rerank
from mirante.rerankers._guided import Guided
from mirante.rerankers._guided_files import write
from mirante.rerankers._guiding import Guiding
from mirante.types import Embeddings, Picture, Run

TEXTS = ("a red star on a green lawn", "uma estrela azul à noite", "")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    opened = encoders.load(_tiny.clip(tmp_path_factory.mktemp("base") / "model"))
    opened.module.eval().requires_grad_(requires_grad=False)
    return opened


@pytest.fixture(scope="module", params=registry.names("mirante.rerankers"))
def address(request, base, tmp_path_factory):
    """What opens each kind: tiny models stand in for large ones."""
    home = tmp_path_factory.mktemp(request.param)

    def guide():
        torch.manual_seed(0)
        return f"elip:{write(home / 'guide', Guided(base, Guiding(prompts=2, width=16)), 1.0)}"

    needs = {
        "elip": guide,
        "fusion": lambda: "fusion:expansion",
        "itm": lambda: f"itm:{_tiny.blip(home / 'model')}",
        "judge": lambda: f"judge:{_tiny.llava(home / 'model')}",
    }
    return needs.get(request.param, lambda: request.param)()


@pytest.fixture
def reranker(address, base):
    """A new one, which has seen nothing."""
    (opened,) = chain([address], base)
    return opened


@pytest.fixture(scope="module")
def pictures():
    """A sheet of each of four colours, and noise."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    images = [*(Image.new("RGB", (40, 32), one) for one in ("red", "green", "blue", "grey")), Image.fromarray(noise)]
    return [Picture(str(at), f"content {at}", one.copy) for at, one in enumerate(images)]


@pytest.fixture(scope="module")
def collection(base, pictures):
    made = base.provenance
    return Collection(
        dict(zip("xyz", TEXTS, strict=True)),
        {one.id: one for one in pictures},
        Embeddings(tuple("xyz"), base.encode_texts(TEXTS), made),
        Embeddings(tuple(one.id for one in pictures), base.encode_images([one.load() for one in pictures]), made),
    )


def candidates(collection, query, count):
    """The `count` best pictures of the base, in its order."""
    row = collection.queries.vectors["xyz".index(query)]
    scores = collection.documents.vectors @ row
    order = np.argsort(-scores)[:count]
    shown = [collection.pictures[collection.documents.ids[at]] for at in order]
    return Candidates(collection.texts[query], shown, scores[order], row, collection.documents.vectors[order])


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("query", ["x", "y", "z"])
def test_each_candidate_gets_one_finite_score(reranker, collection, query, count):
    found = reranker.score(candidates(collection, query, count))
    assert found.dtype == np.float32
    assert found.shape == (count,)
    assert np.isfinite(found).all()


def test_what_it_was_asked_before_changes_no_score(address, base, reranker, collection):
    (fresh,) = chain([address], base)
    reranker.score(candidates(collection, "y", 3))
    reranker.score(candidates(collection, "x", 1))
    found = reranker.score(candidates(collection, "x", 5))
    assert found == pytest.approx(fresh.score(candidates(collection, "x", 5)), abs=1e-6)
    assert reranker.score(candidates(collection, "x", 5)) == pytest.approx(found, abs=1e-6)


def test_what_it_is_shown_stays_as_it_was(reranker, collection):
    shown, kept = candidates(collection, "x", 5), candidates(collection, "x", 5)
    reranker.score(shown)
    for name in ("scores", "query", "rows"):
        np.testing.assert_array_equal(getattr(shown, name), getattr(kept, name))


def test_a_run_keeps_its_answers_and_gets_its_name(reranker, collection):
    scores = collection.queries.vectors @ collection.documents.vectors.T
    order = np.argsort(-scores, axis=1).astype(np.int32)
    ranked = np.take_along_axis(scores, order, axis=1)
    done = rerank(Run(tuple("xyz"), collection.documents.ids, order, ranked, "base"), reranker, collection, depth=3)
    assert np.sort(done.indices[:, :3]).tolist() == np.sort(order[:, :3]).tolist()
    assert done.indices[:, 3:].tolist() == order[:, 3:].tolist()
    assert (np.diff(done.scores) <= 0).all()
    assert done.name == f"base+{reranker.name}"
    assert reranker.name.strip()


@pytest.mark.parametrize("kind", registry.names("mirante.rerankers"))
def test_an_address_that_means_nothing_is_refused_in_words(kind, base):
    with pytest.raises(MiranteError, match="nowhere"):
        chain([f"{kind}:nowhere"], base)
