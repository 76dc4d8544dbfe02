"""An answer about a collection as HTML that grows, then with what it rests on. Nothing here knows Gradio."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from mirante.asking import Answer, Reply, Settings, stream
from mirante.errors import MiranteError
from mirante.generation import Generator
from mirante.quoting import unmarked
from mirante.report.voice import Voice
from mirante.retrieval import Found
from mirante.web import cards
from mirante.web.shown import Shown


def replies(shown: Shown, generator: Generator, lang: str, question: str, count: int = 5) -> Iterator[str]:
    """The answer so far, again and again; at last with links to the entries that it cites, or one message.

    Whoever stops reading stops the generator.

    Args:
        shown: what is asked about.
        generator: writes the answer, in the language of the question.
        lang: of everything around it.
        question: in words.
        count: entries that the answer may rest on.
    """
    if not question.strip():
        yield cards.notice(lang, "ask_empty")
        return
    said = ""
    try:
        reply = _asked(shown, generator, question.strip(), count)
        try:
            yield _growing("", lang)
            for piece in reply:
                said += piece
                yield _growing(said, lang)
            yield whole(reply.answer(), shown, lang)
        finally:
            reply.close()
    except MiranteError as error:
        yield (_paragraphs(said) if said else "") + cards.notice(lang, "ask_failed", message=error)


def whole(answer: Answer, shown: Shown, lang: str) -> str:
    """A complete answer and what was retrieved for it, the cited entries first."""
    if not answer.found:
        return cards.alert(answer.text)
    places = {one.hit.id: f"entry-{at}" for at, one in enumerate(answer.hits)}
    cited = {unmarked(one): places[one] for one in answer.citations}
    hits = sorted(answer.hits, key=lambda one: one.hit.id not in answer.citations)
    items = "".join(
        _entry(one, shown, Voice(lang), place=places[one.hit.id], cited=one.hit.id in answer.citations) for one in hits
    )
    by = escape(cards.say(lang, "ask_by", name=answer.generator))
    title = escape(cards.say(lang, "ask_rests"))
    return (
        f'<div class="reply" role="status">{_linked(_paragraphs(answer.text), cited)}</div><p class="status">{by}</p>'
        f'<h2>{title}</h2><ol class="results entries">{items}</ol>'
    )


def _asked(shown: Shown, generator: Generator, question: str, count: int) -> Reply:
    settings = Settings(k=count, rerankers=shown.rerankers, pictures=shown.picture)
    return stream(shown.gallery, shown.encoder, question, generator, settings=settings)


def _growing(said: str, lang: str) -> str:
    waiting = escape(cards.say(lang, "ask_writing"))
    return f'<div class="reply" aria-busy="true">{_paragraphs(said)}</div><p class="status" role="status">{waiting}</p>'


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())


def _linked(html: str, cited: Mapping[str, str]) -> str:
    """Every citation `[label]` of an escaped text as a link to its entry."""
    for label, place in cited.items():
        mark = f"[{escape(label)}]"
        html = html.replace(mark, f'<a href="#{place}">{mark}</a>')
    return html


def _entry(found: Found, shown: Shown, voice: Voice, *, place: str, cited: bool) -> str:
    hit = found.hit
    fields = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(one))}</dd>" for name, one in hit.metadata.items())
    marks: Sequence[str] = [f"[{unmarked(hit.id)}]", *([cards.say(voice.lang, "ask_cited")] if cited else [])]
    return (
        f'<li id="{place}"{" class=cited" if cited else ""}><figure>{cards.picture(hit, shown, voice.lang)}'
        f"<figcaption>{escape(cards.caption(hit))}<small>{escape(' · '.join(marks))}</small></figcaption></figure>"
        f"<dl>{fields}</dl></li>"
    )
