"""One query put to several collections, as HTML: their answers in columns, each told where the others rank it."""

from collections.abc import Mapping, Sequence
from html import escape

from mirante import messages
from mirante.errors import MiranteError
from mirante.report.voice import Voice
from mirante.retrieval import Retrieval, retrieve
from mirante.search import parse_terms
from mirante.types import Query
from mirante.web import cards
from mirante.web.shown import Shown


def side_by_side(shown: Sequence[Shown], lang: str, text: str, count: int) -> str:
    """The best answers of every collection, or one message.

    Args:
        shown: at least two collections.
        lang: of the answer.
        text: what to look for.
        count: answers of each.
    """
    if not text.strip():
        return cards.notice(lang, "empty")
    if len(shown) < 2:
        return cards.notice(lang, "compare_two")
    found = [_asked(one, text.strip(), count) for one in shown]
    ranks = [{one.hit.id: one.rank for one in answers} if isinstance(answers, Retrieval) else {} for answers in found]
    columns = "".join(
        _column(one, answers, _others(shown, ranks, at), lang)
        for at, (one, answers) in enumerate(zip(shown, found, strict=True))
    )
    return f'{_agreement(ranks, lang)}<div class="columns">{columns}</div>'


def _asked(shown: Shown, text: str, count: int) -> Retrieval | MiranteError:
    try:
        query = Query(parse_terms(text))
        return retrieve(shown.gallery, shown.encoder, query, count, rerankers=shown.rerankers, pictures=shown.picture)
    except MiranteError as error:
        return error


def _others(shown: Sequence[Shown], ranks: Sequence[Mapping[str, int]], at: int) -> list[tuple[str, Mapping[str, int]]]:
    return [(one.name, known) for place, (one, known) in enumerate(zip(shown, ranks, strict=True)) if place != at]


def _column(
    shown: Shown, answers: Retrieval | MiranteError, others: Sequence[tuple[str, Mapping[str, int]]], lang: str
) -> str:
    title = escape(shown.name)
    if isinstance(answers, MiranteError):
        inside = cards.notice(lang, "refused", message=answers)
    else:
        voice = Voice(lang)
        listed = (
            cards.card(one, shown, voice, ranks=_elsewhere(one.hit.id, others, lang), asks=False) for one in answers
        )
        inside = f'<ol class="results">{"".join(listed)}</ol>' if answers else cards.notice(lang, "nothing")
        if answers.nothing_matches:
            inside = cards.alert(messages.text("classify.nothing-matches", lang)) + inside
    return f'<section aria-label="{title}"><h2>{title}</h2><p class="status">{_model(shown)}</p>{inside}</section>'


def _model(shown: Shown) -> str:
    again = [one.name for one in shown.rerankers]
    return escape(" + ".join([shown.encoder.provenance.model, *again]))


def _elsewhere(id_: str, others: Sequence[tuple[str, Mapping[str, int]]], lang: str) -> str:
    told = [
        cards.say(lang, "rank_in", name=name, rank=ranks[id_])
        if id_ in ranks
        else cards.say(lang, "rank_not_in", name=name)
        for name, ranks in others
    ]
    return "; ".join(told)


def _agreement(ranks: Sequence[Mapping[str, int]], lang: str) -> str:
    shared = set.intersection(*(set(one) for one in ranks))
    of = max(len(one) for one in ranks)
    return f'<p class="status" role="status">{escape(cards.say(lang, "shared", shared=len(shared), of=of))}</p>'
