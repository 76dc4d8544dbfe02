"""The card of the embedded model in words: in its package in English, on the site in both languages."""

from collections.abc import Sequence
from typing import Any

from _pages import link, paragraph
from _saved import numbers
from mirante.cli.output import percent
from mirante.types import Estimate

SHOWN = ("hit_rate@1", "hit_rate@5", "recall@5", "mrr")
COMMAND = "python scripts/embed_model.py"
BESIDE = "../../src/mirante/embedded/scenes/"

PACKAGED = """# The embedded model `scenes`

A dual encoder in the format of SigLIP (transformers), {size}: a ViT of
6 layers and width 128 on 72 × 72 pixels with patches of 12, a text tower of 2 layers with a tokenizer of its own, which
knows the words of both languages. It was trained from nothing by `mirante train` on the procedural pictures of
`scenes`, in **English only**; Portuguese words are in its tokenizer and not in its weights.

It is for demonstrations, tests and benchmarks. It knows drawn scenes and nothing else.

## How it was made

{runs}

On two processor cores, seed as in the files; [runs.json]({beside}runs.json) has versions and commits. Then
`{command}` wrote this card.

## Retrieval

Captions that are true of several pictures count all of them as right. Intervals: 95 %, bootstrap over pictures.

{retrieval}{made}

## Probes

One question at a time on scenes that no training split holds, in English (`mirante probe scenes`). Forced choices among
all values of one attribute; minimal pairs as in Winoground, where the group score asks for both texts and both pictures
to be told apart. Intervals: 95 %.

{probes}{made}
{limits}
## Licence

Apache-2.0, as the pictures and the code that made it.
"""
PORTUGUESE = """# O modelo embutido `scenes`

Um codificador duplo no formato do SigLIP (transformers), {size}: um
ViT de 6 camadas e largura 128 sobre 72 × 72 pixels, com patches de 12, e uma torre de texto de 2 camadas com um
tokenizador próprio, que conhece as palavras das duas línguas. Foi treinado do zero por `mirante train` com as imagens
desenhadas de `scenes`, **só em inglês**; as palavras portuguesas estão em seu tokenizador, não em seus pesos.

Serve a demonstrações, testes e comparações de velocidade. Conhece cenas desenhadas e nada mais.

## Como foi feito

{runs}

Em dois núcleos de processador, com a semente que está nos arquivos; [runs.json]({beside}runs.json) tem versões e
commits. Depois, `{command}` escreveu esta ficha.

## Recuperação

Legendas verdadeiras para várias imagens contam todas elas como certas. Intervalos: 95 %, bootstrap sobre as imagens.

{retrieval}{made}

## Sondagens

Uma pergunta por vez, sobre cenas que nenhuma partição de treino tem, em inglês (`mirante probe scenes`). Escolhas
forçadas entre todos os valores de um atributo; pares mínimos como no Winoground, em que o acerto de grupo pede que se
distingam os dois textos e as duas imagens. Intervalos: 95 %.

{probes}{made}
{limits}
## Licença

Apache-2.0, como as imagens e o código que o fez.
"""
LIMITS = {
    "en": """
## What it is not for

- **Photographs, paintings, products.** It has seen 20 kinds of things, drawn in a few styles, and no photograph. A
  score that it gives to anything else means nothing.
- **Any language but English.** Portuguese is left out on purpose, so that the demonstration has something to teach. The
  table above shows what that costs.
- **Measures of other models.** It was trained on the pictures of its own tests' generator: the splits hold different
  scenes of one kind. Its figures say that the software works, not how good retrieval is.
- **People.** No person is in the pictures, so nothing was measured about people. That the pictures are harmless does
  not carry over to what is fine-tuned from the model.

It begins with no weights of others. It can be changed by anyone in minutes: `mirante train` on it, as
[scenes-pt.toml](../../configs/scenes-pt.toml) does. [What it learnt from](scenes.md).
""",
    "pt": """
## Para que não serve

- **Fotografias, pinturas, produtos.** Ele viu 20 tipos de coisas, desenhadas em poucos estilos, e nenhuma fotografia.
  Uma pontuação que ele dê a qualquer outra coisa não significa nada.
- **Qualquer língua além do inglês.** O português ficou de fora de propósito, para que a demonstração tenha o que
  ensinar. A tabela acima mostra quanto isso custa.
- **Medida de outros modelos.** Ele foi treinado com imagens do mesmo gerador de seus testes: as partições têm cenas
  diferentes de um mesmo tipo. Seus números dizem que o software funciona, não quão boa é a recuperação.
- **Pessoas.** Não há pessoas nas imagens, e por isso nada se mediu sobre pessoas. Que as imagens sejam inofensivas não
  se transfere ao que for ajustado a partir do modelo.

Ele não parte de pesos de outros. Qualquer um pode mudá-lo em minutos: `mirante train` sobre ele, como faz
[scenes-pt.toml](../../configs/scenes-pt.toml). [Com o que ele aprendeu](scenes.pt-BR.md).
""",
}
HEADS = {
    "en": (
        "set | direction | queries in gallery | hit rate@1 | hit rate@5 | recall@5 | MRR",
        "probe | right | chance | questions",
    ),
    "pt": (
        "conjunto | direção | consultas na galeria | hit rate@1 | hit rate@5 | recall@5 | MRR",
        "sondagem | acertos | acaso | perguntas",
    ),
}
PROBES = {
    "swap-kind": "troca de tipo",
    "swap-colour": "troca de cor",
    "swap-size": "troca de tamanho",
    "swap-side": "troca de lado",
    "object": "objeto",
    "colour": "cor",
    "count": "contagem",
    "size": "tamanho",
    "relation": "relação",
    "background": "fundo",
    "free queries precision@5": "consultas livres, precisão@5",
    "(text)": "(texto)",
    "(image)": "(imagem)",
    "(group)": "(grupo)",
}
MOSAIC = "a drawing style never seen (mosaic), full captions"
SETS = {
    "unseen scenes, full captions": "cenas nunca vistas, legendas completas",
    "unseen scenes, full and partial captions": "cenas nunca vistas, legendas completas e parciais",
    "the same in Portuguese, never seen": "o mesmo em português, nunca visto",
    MOSAIC: "um estilo de desenho nunca visto (mosaico), legendas completas",
    "minimal pairs as the gallery, full captions": "pares mínimos como galeria, legendas completas",
    "text to image": "texto para imagem",
    "image to text": "imagem para texto",
}


def packaged(figures: dict[str, Any], parts: Sequence[str]) -> str:
    """The card in the model's folder, in English."""
    return _card(PACKAGED, figures, parts, "en", {"beside": "", "made": "", "limits": ""})


def on_site(figures: dict[str, Any], parts: Sequence[str], lang: str) -> str:
    """The card on the site: with the link to its twin, what made each table, and limits."""
    made = {"en": "\n\nMade by `{}`.", "pt": "\n\nFeito por `{}`."}[lang].format(COMMAND)
    words = {"beside": BESIDE, "made": made, "limits": LIMITS[lang]}
    card = _card(PACKAGED if lang == "en" else PORTUGUESE, figures, parts, lang, words)
    title, _, rest = card.partition("\n")
    whole = f"{title}\n\n{link('model', lang)}\n{rest}"
    return "\n\n".join(part if _is_short(part) else paragraph(part) for part in whole.split("\n\n"))


def _is_short(part: str) -> bool:
    return part.startswith(("|", "- ")) or all(len(line) <= 120 for line in part.splitlines())


def _card(template: str, figures: dict[str, Any], parts: Sequence[str], lang: str, words: dict[str, str]) -> str:
    count, megabytes = figures["parameters"], figures["megabytes"]
    told = "{:,} parameters, {:.1f} MB in fp16" if lang == "en" else "{:,} parâmetros, {:.1f} MB em fp16"
    log = "its log" if lang == "en" else "seu registro"
    beside = words["beside"]
    joint = ",\n  " if beside else ", "
    runs = (f"- [{one}.toml]({beside}{one}.toml){joint}{log} [{one}.jsonl]({beside}{one}.jsonl)" for one in parts)
    return template.format(
        size=numbers(told.format(count, megabytes), lang),
        runs="\n".join(runs),
        command=" ".join([COMMAND, *(f"runs/{one}" for one in parts)]),
        retrieval=_table(HEADS[lang][0], [_found(line, lang) for line in figures["retrieval"]], lang),
        probes=_table(HEADS[lang][1], [_probed(*one, lang) for one in figures["probes"].items()], lang),
        **words,
    )


def _table(head: str, rows: Sequence[Sequence[str]], lang: str) -> str:
    lines = [f"| {head} |", "|" + "---|" * (head.count("|") + 1)]
    return "\n".join([*lines, *(numbers(f"| {' | '.join(row)} |", lang) for row in rows)])


def _found(line: dict[str, Any], lang: str) -> list[str]:
    asked = f"{line['protocol']['queries']:,} {'in' if lang == 'en' else 'em'} {line['protocol']['gallery']:,}"
    named = [line["set"], line["direction"].replace("_", " ")]
    named = named if lang == "en" else [SETS[one] for one in named]
    return [*named, asked, *(percent(Estimate(**line["metrics"][name])) for name in SHOWN)]


def _probed(name: str, one: dict[str, Any], lang: str) -> list[str]:
    told = name
    for english, portuguese in PROBES.items() if lang == "pt" else ():
        told = told.replace(english, portuguese)
    return [told, percent(Estimate(**one["right"])), f"{100 * one['chance']:.1f} %", f"{one['questions']:,}"]
