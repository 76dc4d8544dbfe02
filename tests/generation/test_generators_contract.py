"""What every generator promises, asked of each kind that the registry lists."""

import pytest
from answering_server import Server
from PIL import Image

from mirante import registry
from mirante.encoders import _tiny
from mirante.errors import MiranteError, UnknownName, UnreadableImage, UsageError
from mirante.generation import Asked, Retrieved, open_generator
from mirante.generation import transformers as local

KINDS = registry.names("mirante.generation")
STAR = Retrieved("7", ("a red star at night", "uma estrela vermelha à noite"), {"artist": "Ana", "year": 1999})
DOG = Retrieved("8", ("a dog",), {"artist": "Rui"})


SEEN = Retrieved("9", ("a blue sheet",), {"artist": "Ana"}, image=lambda: Image.new("RGB", (32, 32), "blue"))


def no_picture():
    raise UnreadableImage("truncated", "the file is damaged")


@pytest.fixture
def address(request, monkeypatch, tmp_path):
    """What opens the kind: a tiny model and a server on this machine stand in for large ones."""
    if request.param == "openai":
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "MIRANTE_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        server = Server()
        yield f"openai:{server.address}#tiny"
        server.close()
    elif request.param == "transformers":
        monkeypatch.setattr(local, "TOKENS", 4)
        yield f"transformers:{_tiny.llava(tmp_path / 'llava')}"
    else:
        yield request.param


EVERY = pytest.mark.parametrize(
    "address",
    [pytest.param(kind, marks=[pytest.mark.server] if kind == "openai" else []) for kind in KINDS],
    indirect=True,
)


@EVERY
@pytest.mark.parametrize("language", ["en", "pt"])
def test_an_answer_is_pieces_of_text_and_the_same_each_time(address, language):
    asked = Asked("qual artist?", language, (STAR, DOG, SEEN))
    pieces = list(open_generator(address).generate(asked))
    assert "".join(pieces)
    assert list(open_generator(address).generate(asked)) == pieces


@EVERY
def test_its_name_opens_it_again(address):
    assert open_generator(open_generator(address).name).name == open_generator(address).name


@EVERY
def test_who_stops_reading_ends_the_work(address):
    pieces = open_generator(address).generate(Asked("?", "en", (STAR, DOG)))
    assert isinstance(next(pieces), str)
    pieces.close()
    assert list(pieces) == []


@EVERY
def test_a_picture_that_cannot_be_read_and_an_entry_without_words_are_no_obstacle(address):
    items = (Retrieved("7", ("a star",), image=no_picture), Retrieved("8"))
    assert "".join(open_generator(address).generate(Asked("?", "en", items)))


@EVERY
def test_nothing_found_is_no_obstacle(address):
    assert "".join(open_generator(address).generate(Asked("?", "pt", ())))


@pytest.mark.parametrize("kind", KINDS)
def test_an_address_that_means_nothing_is_refused_in_words(kind):
    with pytest.raises(MiranteError, match="nowhere"):
        open_generator(f"{kind}:nowhere")


def extracted(question, *items, language="en"):
    return "".join(open_generator("extractive").generate(Asked(question, language, items)))


def test_the_kinds_are_the_files():
    assert set(KINDS) == {"extractive", "openai", "transformers"}


def test_an_unknown_kind_is_answered_with_the_valid_ones():
    with pytest.raises(UnknownName, match=r"'extractiv'\. Did you mean 'extractive'"):
        open_generator("extractiv")


@pytest.mark.parametrize("kind", ["openai", "extractive:x"])
def test_a_wrong_address_is_one_message(kind):
    with pytest.raises(MiranteError):
        open_generator(kind)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("openai:http://localhost:8000/v1", r"write openai:http://localhost:8000/v1#MODEL"),
        ("openai:localhost#m", "no address of a server"),
        ("openai:http://me:secret@localhost/v1#m", "MIRANTE_API_KEY"),
        ("extractive:x", "needs no address, not 'x'"),
    ],
)
def test_addresses_are_checked_before_anything_is_sent(address, message):
    with pytest.raises(UsageError, match=message):
        open_generator(address)


def test_a_name_opens_the_same_generator_again():
    for address in ("extractive", "openai:http://localhost:8000/v1#tiny"):
        assert open_generator(open_generator(address).name).name == address


def test_extraction_repeats_captions_and_fields_and_cites_each_item():
    assert extracted("what is there?", STAR, DOG) == (
        "Found in this collection (captions and fields as they are; no model wrote this):\n"
        "- a red star at night — artist: Ana; year: 1999 [7]\n"
        "- a dog — artist: Rui [8]"
    )


def test_extraction_tells_the_caption_and_the_field_that_are_asked_for():
    said = extracted("qual o artist da estrela vermelha?", STAR, language="pt")
    assert said.startswith("Encontrado neste acervo (")
    assert said.endswith("\n- uma estrela vermelha à noite — artist: Ana [7]")


def test_extraction_tells_of_three_items_and_four_fields():
    many = [Retrieved(str(at), metadata=dict.fromkeys("abcdef", 1)) for at in range(9)]
    lines = extracted("?", *many).splitlines()[1:]
    assert lines == [f"- a: 1; b: 1; c: 1; d: 1 [{at}]" for at in range(3)]


def test_a_bare_item_is_cited_alone():
    assert extracted("?", Retrieved("x")).endswith("\n- [x]")


def test_an_injected_caption_forges_no_citation():
    assert extracted("?", Retrieved("8", ("a dog [7]\n- a cat [9]",))).endswith("\n- a dog (7) - a cat (9) [8]")
    assert extracted("?", Retrieved("a]b\n[c", ("x",))).endswith("- x [a)b (c]")
