"""What each route answers, over three squares of one colour and two texts."""

import json
import threading
from pathlib import Path

import pytest
from served_squares import key, png, squares

from mirante.search import Gallery

WRITE, ADMIN = key("write"), key("admin")


def ids(answer):
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def refusal(answer):
    return answer.status_code, answer.json()["error"]["what"]


# ---- search --------------------------------------------------------------------------------------------------------


def test_a_text_finds_pictures_with_ranks_captions_and_metadata(client):
    answer = client.post("/v1/search", json={"text": "um quadrado verde", "k": 1})
    assert answer.json() == {
        "hits": [
            {
                "id": "green",
                "rank": 1,
                "before": 1,
                "score": 1.0,
                "relevance": None,
                "captions": ["a green square"],
                "metadata": {"year": 2001},
            }
        ],
        "nothing_matches": None,
        "more": True,
        "index": "squares",
        "model": "toy",
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"text": "red", "plus": ["blue^2"], "k": 2}, ["blue", "red"]),
        ({"text": "red", "minus": ["blue"]}, ["red", "green", "blue"]),
        ({"plus": ["green"], "k": 1}, ["green"]),
        ({"text": "red", "where": {"year": "2001"}}, ["green", "blue"]),
        ({"text": "red", "where": {"year": "1812"}}, []),
    ],
)
def test_sums_differences_and_filters(client, asked, found):
    assert ids(client.post("/v1/search", json=asked)) == found


def test_pages_follow_each_other(client):
    pages = [client.post("/v1/search", json={"text": "red", "k": 2, "offset": at}) for at in (0, 2, 4)]
    assert [ids(one) for one in pages] == [["red", "green"], ["blue"], []]
    assert [one.json()["more"] for one in pages] == [True, False, False]
    assert [hit["rank"] for one in pages for hit in one.json()["hits"]] == [1, 2, 3]


def test_a_picture_finds_pictures_and_takes_texts_too(client):
    files = {"image": ("any.png", png("blue"))}
    assert ids(client.post("/v1/search/image", files=files, data={"k": 1})) == ["blue"]
    data = {"plus": ["red^3"], "k": 2}
    assert ids(client.post("/v1/search/image", files=files, data=data)) == ["red", "blue"]
    data = {"where": json.dumps({"year": "1999"})}
    assert ids(client.post("/v1/search/image", files=files, data=data)) == ["red"]


def test_the_index_is_chosen_by_name(client):
    answer = client.post("/v1/search", json={"text": "red", "index": "texts", "k": 1})
    assert (ids(answer), answer.json()["index"]) == (["t1"], "texts")


def test_similar_items_are_those_nearest_without_the_item_itself(client):
    assert ids(client.get("/v1/items/red/similar", params={"k": 2})) == ["green", "blue"]
    assert refusal(client.get("/v1/items/a%2Fb/similar")) == (404, "unknown-item")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, (400, "usage-error")),
        ({"text": "  "}, (400, "usage-error")),
        ({"text": "red", "minus": ["red"]}, (400, "usage-error")),
        ({"text": "red", "where": {"yaer": "2001"}}, (400, "unknown-name")),
        ({"text": "red", "index": "circles"}, (404, "unknown-index")),
        ({"text": "red", "rerank": ["elip"]}, (400, "unknown-name")),
        ({"text": "red", "offset": 1000}, (400, "too-deep")),
        ({"text": "red", "k": 0}, (422, "invalid")),
        ({"text": "red", "colour": "red"}, (422, "invalid")),
        ({"text": "\ud800"}, (422, "invalid")),
        ({"text": "a" * 2001}, (422, "invalid")),
    ],
)
def test_a_wrong_search_is_refused_with_a_reason(client, asked, expected):
    content = json.dumps(asked)
    answer = client.post("/v1/search", content=content, headers={"Content-Type": "application/json"})
    assert refusal(answer) == expected
    assert answer.json()["error"]["message"]


def test_a_refusal_does_not_repeat_what_was_asked(client):
    answer = client.post("/v1/search", json={"text": ["a secret"]})
    assert answer.status_code == 422
    assert "secret" not in answer.text


# ---- re-ranking ----------------------------------------------------------------------------------------------------


class Upside:
    """A re-ranker that turns the order around."""

    name = "upside"
    threads = ()

    def score(self, candidates):
        self.threads = (*self.threads, threading.current_thread().name)
        return -candidates.scores


def test_re_ranking_is_by_name_and_tells_both_ranks(serve, monkeypatch):
    from mirante import rerankers

    upside = Upside()
    monkeypatch.setattr(rerankers, "chain", lambda addresses, base: (upside,))
    client = serve(keys=(), rerank={"second-look": "upside:"})
    asked = {"text": "red", "plus": [], "rerank": ["second-look"], "depth": 2}
    answer = client.post("/v1/search", json=asked).json()
    assert [(hit["id"], hit["rank"], hit["before"]) for hit in answer["hits"]] == [
        ("green", 1, 2),
        ("red", 2, 1),
        ("blue", 3, 3),
    ]
    assert upside.threads == ("mirante-encoder",), "it shares the model, which works in one thread"
    assert client.get("/v1/indexes").json()["indexes"][0]["rerank"] == ["second-look"]
    summed = client.post("/v1/search", json={**asked, "plus": ["blue"]})
    assert refusal(summed) == (400, "usage-error"), "re-rankers read one text"


# ---- pictures into words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "text", "source"), [("squares", "a blue square", "images"), ("texts", "uma bola azul", "texts")]
)
def test_captions_are_texts_or_those_of_the_nearest_pictures(client, index, text, source):
    answer = client.post("/v1/captions", files={"image": png("blue")}, data={"k": 1, "index": index}).json()
    assert [one["text"] for one in answer["captions"]] == [text]
    assert answer["source"] == source


def test_labels_have_probabilities_that_add_up_to_one(client):
    answer = client.post("/v1/classify", files={"image": png("green")}, data={"labels": ["red", "green", "blue"]})
    found = answer.json()["labels"]
    assert found[0]["label"] == "green"
    assert sum(one["probability"] for one in found) == pytest.approx(1)
    assert [one["cosine"] for one in found] == pytest.approx([1, 0, 0])


@pytest.mark.parametrize("labels", [["red"], ["red", "red"], ["", "red"], [f"red {at}" for at in range(201)]])
def test_labels_must_be_two_or_more_different_ones(client, labels):
    answer = client.post("/v1/classify", files={"image": png("red")}, data={"labels": labels})
    assert answer.status_code in (400, 422)


# ---- items ---------------------------------------------------------------------------------------------------------


def added(client, id_, colour, **data):
    return client.post("/v1/items", files={"image": png(colour)}, data={"id": id_, **data}, headers=WRITE)


def find(client, text):
    return client.post("/v1/search", json={"text": text, "k": 1}, headers=key("search")).json()["hits"][0]


def test_an_item_that_was_added_is_found_and_lasts(serve, tmp_path):
    client = serve()
    answer = added(client, "x/../y", "black", captions=["a night", "uma noite"], metadata='{"year": 7, "dark": true}')
    assert (answer.status_code, answer.json()) == (201, {"index": "squares", "ids": ["x/../y"], "count": 4})
    hit = find(client, "black")
    assert (hit["id"], hit["captions"]) == ("x/../y", ["a night", "uma noite"])
    assert hit["metadata"] == {"year": 7, "dark": True}
    kept = Gallery.open(tmp_path / "squares").entry("x/../y")
    assert Path(kept.path).parent == tmp_path / "squares" / "pictures", "under a name of our own"
    assert Path(kept.path).read_bytes() == png("black")


def test_adding_again_replaces_and_leaves_no_file_behind(serve, tmp_path):
    client = serve()
    added(client, "one", "black")
    assert added(client, "one", "white").json()["count"] == 4
    assert find(client, "white")["id"] == "one"
    assert [one.read_bytes() for one in (tmp_path / "squares" / "pictures").iterdir()] == [png("white")]


def test_deleted_items_are_gone_with_their_pictures(serve, tmp_path):
    client = serve()
    added(client, "one", "black")
    answer = client.request("DELETE", "/v1/items", json={"ids": ["one", "red"]}, headers=WRITE)
    assert answer.json() == {"index": "squares", "ids": ["one", "red"], "count": 2}
    assert list((tmp_path / "squares" / "pictures").iterdir()) == []
    again = client.request("DELETE", "/v1/items", json={"ids": ["green", "one"]}, headers=WRITE)
    assert refusal(again) == (404, "unknown-item")
    assert len(Gallery.open(tmp_path / "squares")) == 2, "where one is not there, none is deleted"


def test_a_text_is_added_to_an_index_of_texts(serve):
    client = serve()
    data = {"id": "t3", "captions": ["a green hill"], "index": "texts"}
    assert client.post("/v1/items", data=data, headers=WRITE).status_code == 201
    asked = {"text": "green", "index": "texts", "k": 1}
    assert ids(client.post("/v1/search", json=asked, headers=key("search"))) == ["t3"]


@pytest.mark.parametrize(
    ("data", "files", "expected"),
    [
        ({"id": "a"}, None, (400, "no-picture")),
        ({"id": "a", "index": "texts"}, None, (400, "no-text")),
        ({"id": "a", "index": "texts", "captions": ["x"]}, {"image": png("red")}, (400, "no-text")),
        ({"id": ""}, {"image": png("red")}, (422, "invalid")),
        ({"id": "a\0b"}, {"image": png("red")}, (422, "invalid")),
        ({"id": "a", "metadata": '{"x": [1]}'}, {"image": png("red")}, (422, "invalid")),
        ({"id": "a", "metadata": '{"x": NaN}'}, {"image": png("red")}, (400, "data-error")),
        ({"id": "a", "metadata": "x"}, {"image": png("red")}, (422, "invalid")),
        ({"id": "a"}, {"image": b"no picture"}, (422, "unreadable-image")),
    ],
)
def test_an_item_that_does_not_fit_is_refused_and_nothing_changes(serve, tmp_path, data, files, expected):
    before = Gallery.open(squares(tmp_path / "squares")).manifest.count
    answer = serve().post("/v1/items", data=data, files=files, headers=WRITE)
    assert refusal(answer) == expected
    assert Gallery.open(tmp_path / "squares").manifest.count == before
    assert list(tmp_path.rglob("pictures/*")) == [], "no file is left behind"


def test_what_another_process_wrote_meanwhile_is_kept(serve, tmp_path):
    client = serve()
    Gallery.open(tmp_path / "squares").delete(["red"])
    assert added(client, "one", "black").json()["count"] == 3
    assert {entry for entry in ("red", "one") if Gallery.open(tmp_path / "squares").entry(entry)} == {"one"}


# ---- indexes -------------------------------------------------------------------------------------------------------


def test_indexes_say_what_they_hold(client):
    first, second = client.get("/v1/indexes").json()["indexes"]
    assert first.pop("created").endswith("+00:00")
    assert first == {
        "name": "squares",
        "holds": "images",
        "kind": "exact",
        "count": 3,
        "dim": 12,
        "model": "toy",
        "fields": ["year"],
        "calibrated": False,
        "rerank": [],
    }
    assert (second["name"], second["holds"], second["count"]) == ("texts", "texts", 2)


def test_a_swapped_index_answers_under_the_old_name(serve, tmp_path):
    client = serve()
    other = squares(tmp_path / "other", {"pink": 1, "white": 2})
    answer = client.post("/v1/indexes/squares/swap", json={"folder": str(other)}, headers=ADMIN)
    assert (answer.status_code, answer.json()["count"]) == (200, 2)
    assert find(client, "pink")["id"] == "pink"


@pytest.mark.parametrize(
    ("name", "folder", "expected"),
    [
        ("circles", "{root}/other", (404, "unknown-index")),
        ("squares", "{root}/nothing", (409, "no-gallery")),
        ("squares", "{root}/../..", (403, "outside")),
        ("squares", "/etc", (403, "outside")),
    ],
)
def test_a_swap_that_cannot_be_leaves_the_old_index(serve, tmp_path, name, folder, expected):
    client = serve()
    asked = {"folder": folder.format(root=tmp_path)}
    assert refusal(client.post(f"/v1/indexes/{name}/swap", json=asked, headers=ADMIN)) == expected
    assert find(client, "red")["id"] == "red"


def test_a_swap_may_come_from_the_roots_of_the_configuration(serve, tmp_path):
    roots = tmp_path / "roots"
    client = serve(roots=(str(roots),))
    beside, below = squares(tmp_path / "beside"), squares(roots / "deep" / "below")
    asked = [{"folder": str(one)} for one in (beside, below)]
    answers = [client.post("/v1/indexes/squares/swap", json=one, headers=ADMIN).status_code for one in asked]
    assert answers == [403, 200]


def test_two_indexes_of_one_model_share_it(serve):
    opened = []

    def load(address):
        from mirante import encoders

        opened.append(address)
        return encoders.load(address)

    serve(load=load)
    assert opened == ["toy"]


# ---- everything else -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/nothing", (404, "not-found")),
        ("PUT", "/v1/search", (405, "wrong-method")),
        ("GET", "/docs", (404, "not-found")),
    ],
)
def test_unknown_routes_and_methods_are_documents_too(client, method, path, expected):
    assert refusal(client.request(method, path)) == expected


def test_an_unforeseen_error_is_a_document_without_its_text(serve, monkeypatch):
    from mirante.service.routes import searching

    def broken(*_):
        raise RuntimeError("the password is 1234")

    monkeypatch.setattr(searching, "parse_terms", broken)
    answer = serve(keys=()).post("/v1/search", json={"text": "red"})
    assert refusal(answer) == (500, "unforeseen")
    assert "1234" not in answer.text


def test_pages_of_other_origins_may_call_only_where_told(serve):
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    closed, opened = serve(keys=()), serve(keys=(), cors=("https://shop.example",))
    assert "access-control-allow-origin" not in closed.options("/v1/search", headers=asked).headers
    assert "access-control-allow-origin" not in closed.get("/healthz", headers=asked).headers
    assert opened.options("/v1/search", headers=asked).headers["access-control-allow-origin"] == "https://shop.example"
    other = opened.get("/healthz", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
