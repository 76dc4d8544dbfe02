"""Health, readiness, metrics and the log."""

import json
import logging
import re
import shutil

import pytest
from served_squares import key, png

from mirante.service.logs import JsonLines
from mirante.service.metrics import Metrics

SECRET = "a very private red thing"


@pytest.fixture
def lines():
    """What the service's log has written so far, one JSON document a line."""
    records = []

    class Keep(logging.Handler):
        def emit(self, record):
            records.append(JsonLines().format(record))

    logger, handler = logging.getLogger("mirante.service"), Keep()
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield records
    logger.removeHandler(handler)
    logger.setLevel(before)


def test_ready_until_an_index_is_gone_or_its_model_has_ended(serve, tmp_path):
    client = serve()
    assert (client.get("/healthz").json(), client.get("/readyz").json()) == ({"status": "ok"}, {"status": "ready"})
    shutil.move(tmp_path / "texts", tmp_path / "away")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["error"]["what"]) == (503, "not-ready")
    assert client.get("/healthz").status_code == 200
    shutil.move(tmp_path / "away", tmp_path / "texts")
    encoder = client.app.state.desk.shelf.get("texts").encoder
    encoder.close()
    encoder._worker.join(20)
    assert client.get("/readyz").status_code == 503


def test_a_request_is_one_line_without_what_was_asked(serve, lines):
    client = serve()
    answer = client.post("/v1/search", json={"text": SECRET}, headers={**key("search"), "X-Request-Id": "abc-1"})
    client.get("/v1/items/red/similar", headers=key("search"))
    client.get("/v1/items/red/similar")
    first, second, third = map(json.loads, lines)
    assert answer.headers["X-Request-Id"] == "abc-1"
    assert {name: first[name] for name in ("level", "message", "id", "method", "route", "status", "key")} == {
        "level": "info",
        "message": "request",
        "id": "abc-1",
        "method": "POST",
        "route": "/v1/search",
        "status": 200,
        "key": "KEY_search",
    }
    assert 0 <= first["seconds"] < 60
    assert "query" not in first
    assert (second["route"], len(second["id"])) == ("/v1/items/{id:path}/similar", 32)
    assert (third["status"], "key" in third) == (401, False)
    assert SECRET not in "".join(lines)
    assert key("search")["Authorization"].split()[1] not in "".join(lines)


def test_queries_are_logged_where_the_configuration_allows_it(serve, lines):
    client = serve(log_queries=True, keys=())
    client.post("/v1/search", json={"text": SECRET, "minus": ["green"]})
    client.post("/v1/search/image", files={"image": png("red")}, data={"text": SECRET})
    first, second = (json.loads(line)["query"] for line in lines)
    assert (first["text"], first["minus"]) == (SECRET, ["green"])
    assert (second["text"], second["image"]) == (SECRET, True)


@pytest.mark.parametrize("given", ["a b", "x" * 65, "é", '"}', ""])
def test_an_id_from_outside_that_is_none_is_replaced(client, given):
    answer = client.get("/healthz", headers={"X-Request-Id": given.encode()})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])


def test_an_unforeseen_error_is_in_the_log_with_its_traceback(serve, lines, monkeypatch):
    from mirante.service.routes import searching

    monkeypatch.setattr(searching, "parse_terms", lambda *_, **__: 1 / 0)
    serve(keys=()).post("/v1/search", json={"text": SECRET})
    error, request = map(json.loads, lines)
    assert (error["level"], request["status"]) == ("error", 500)
    assert error["id"] == request["id"]
    assert "ZeroDivisionError" in error["traceback"]


def test_metrics_count_requests_and_calls_of_the_model(serve):
    client = serve(keys=())
    for text in ("red", "green", " "):
        client.post("/v1/search", json={"text": text})
    client.get("/somewhere")
    found = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if not line.startswith("#"))
    assert found['mirante_requests_total{route="/v1/search",method="POST",status="200"}'] == "2"
    assert found['mirante_requests_total{route="/v1/search",method="POST",status="400"}'] == "1"
    assert found['mirante_requests_total{route="other",method="other",status="404"}'] == "1"
    assert found['mirante_request_seconds_count{route="/v1/search"}'] == "3"
    assert found['mirante_batch_items_sum{kind="queries"}'] == "2"
    assert found['mirante_index_rows{index="squares"}'] == "3"
    assert found["mirante_requests_under_way"] == "0"


def test_the_text_format_of_prometheus():
    metrics = Metrics()
    metrics.count("mirante_refused_total", reason='a "b"\n')
    for value in (1, 2, 300):
        metrics.measure("mirante_batch_items", value, kind="texts")
    text = metrics.text({("mirante_index_rows", (("index", "a"),)): 7.0})
    assert '# TYPE mirante_refused_total counter\nmirante_refused_total{reason="a \\"b\\"\\n"} 1\n' in text
    assert 'mirante_batch_items_bucket{kind="texts",le="1"} 1\n' in text
    assert 'mirante_batch_items_bucket{kind="texts",le="2"} 2\n' in text
    assert 'mirante_batch_items_bucket{kind="texts",le="128"} 2\n' in text
    assert 'mirante_batch_items_bucket{kind="texts",le="+Inf"} 3\n' in text
    assert 'mirante_batch_items_sum{kind="texts"} 303\nmirante_batch_items_count{kind="texts"} 3\n' in text
    assert text.endswith('# TYPE mirante_index_rows gauge\nmirante_index_rows{index="a"} 7\n')
