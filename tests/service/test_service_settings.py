"""The configuration of a service: what is said, what is left out, and what cannot be."""

import pytest

from mirante.errors import UnknownName, UsageError
from mirante.service import Key, Limits, ServiceConfig, read_config
from mirante.service.shelf import parse_indexes

WHOLE = """
host = "0.0.0.0"
port = 9000
cors = ["https://shop.example"]
log_queries = true

[indexes]
birds = "runs/birds/index"

[rerank]
guide = "elip:runs/guide"

[[keys]]
variable = "MIRANTE_KEY"
scopes = ["search", "write"]

[limits]
batch = 8
seconds = 2
"""


def written(tmp_path, text):
    path = tmp_path / "service.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_everything_that_can_be_said(tmp_path):
    assert read_config(written(tmp_path, WHOLE)) == ServiceConfig(
        indexes={"birds": "runs/birds/index"},
        keys=(Key("MIRANTE_KEY", ("search", "write")),),
        limits=Limits(batch=8, seconds=2.0),
        cors=("https://shop.example",),
        rerank={"guide": "elip:runs/guide"},
        host="0.0.0.0",
        port=9000,
        log_queries=True,
    )


def test_what_holds_unless_told():
    made = ServiceConfig({"a": "b"})
    assert (made.host, made.keys, made.cors, made.log_queries) == ("127.0.0.1", (), (), False)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", UsageError, "lacks the key 'indexes'"),
        ("indexes = {}", UsageError, "no index to serve"),
        ("indexes = {a = 1}", UsageError, "'a' = 1 is no name with a text"),
        ("indexes = {'a/b' = 'x'}", UsageError, "'a/b' = 'x' is no name"),
        ("hots = 'x'\n[indexes]\na = 'b'", UnknownName, "Did you mean 'host'"),
        ("[indexes]\na = 'b'\n[[keys]]\nvariable = 'X'\nscopes = ['serach']", UnknownName, "Did you mean 'search'"),
        ("[indexes]\na = 'b'\n[[keys]]\nvariable = 'X'\nvalue = 'secret'\nscopes = []", UnknownName, "value"),
        ("[indexes]\na = 'b'\n[limits]\nbatch = 0", UsageError, "'batch' must be at least 1, not 0"),
        ("host = '0.0.0.0'\n[indexes]\na = 'b'", UsageError, r"At '0\.0\.0\.0' others .* without a key"),
    ],
)
def test_what_cannot_be_is_one_clear_message(tmp_path, text, error, message):
    with pytest.raises(error, match=message):
        read_config(written(tmp_path, text))


def test_a_key_that_only_writes_does_not_open_the_service_to_others():
    with pytest.raises(UsageError, match="without a key"):
        ServiceConfig({"a": "b"}, keys=(Key("X", ("write",)),), host="0.0.0.0")
    assert ServiceConfig({"a": "b"}, keys=(Key("X", ("search",)),), host="0.0.0.0").host == "0.0.0.0"


def test_names_of_indexes_on_the_command_line(tmp_path):
    assert parse_indexes(["runs/birds/index", "art=runs/wikiart"]) == {
        "birds": "runs/birds/index",
        "art": "runs/wikiart",
    }
    with pytest.raises(UsageError, match="Two indexes are named 'birds'"):
        parse_indexes(["runs/birds", "birds=other"])
