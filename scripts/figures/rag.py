"""The figures of the chapter on multimodal RAG: its parts in order, and best scores of what is and is not there.

python scripts/figures/rag.py
"""

import numpy as np
from _drawn import BLUE, GREEN, GREY, ORANGE, decimal, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

import mirante

PARTS = {
    "en": (
        "question",
        "retriever",
        "re-ranker\n(optional)",
        "prompt:\nmarked items",
        "generator",
        "citations\nchecked",
    ),
    "pt-BR": (
        "pergunta",
        "recuperador",
        "reordenador\n(opcional)",
        "prompt: itens\nmarcados",
        "gerador",
        "citações\nconferidas",
    ),
}
WORDS = {
    "en": {"calibrated": "improbable?", "out": "“not in this\ncollection”", "answer": "answer [id]"},
    "pt-BR": {"calibrated": "improvável?", "out": "“não está\nneste acervo”", "answer": "resposta [id]"},
}
SCORES = {
    "en": {
        "x": "cosine of the best answer", "y": "share of queries",
        "there": "caption of a picture that is there", "asked": "the same, as “where is …?”",
        "absent": "caption of a picture that is not there",
        "line": "5 % of the captions that are there\nlie below {at}",
    },
    "pt-BR": {
        "x": "cosseno da melhor resposta", "y": "parcela das consultas",
        "there": "legenda de uma imagem que está lá", "asked": "a mesma, como “where is …?”",
        "absent": "legenda de uma imagem que não está lá",
        "line": "5 % das legendas que estão\nlá ficam abaixo de {at}",
    },
}  # fmt: skip


def flow(lang: str) -> Figure:
    """The parts as boxes, with the way out where nothing is probable."""
    figure = Figure(figsize=(8.6, 2.5))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.grid(visible=False)
    axes.set(xlim=(-0.1, 12.2), ylim=(-1.5, 1.9))
    said = WORDS[lang]
    for at, name in enumerate(PARTS[lang]):
        _box(axes, 2 * at, 1.0, name, GREY if at == 0 else BLUE)
        if at:
            _arrow(axes, (2 * at - 0.28, 1.0), (2 * at, 1.0))
    _box(axes, 2, -0.8, said["out"], ORANGE)
    _arrow(axes, (2.86, 0.45), (2.86, -0.25))
    axes.text(3.0, 0.1, said["calibrated"], fontsize=9, color=GREY, va="center")
    _box(axes, 10, -0.8, said["answer"], GREEN)
    _arrow(axes, (10.86, 0.45), (10.86, -0.25))
    return figure


def _box(axes: Axes, x: float, y: float, words: str, colour: str) -> None:
    axes.add_patch(
        FancyBboxPatch((x, y - 0.5), 1.72, 1.0, boxstyle="round,pad=0,rounding_size=0.12", fc="white", ec=colour, lw=2)
    )
    axes.text(x + 0.86, y, words, ha="center", va="center", fontsize=9)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color=GREY, shrinkA=0, shrinkB=0))


def best_scores() -> dict[str, np.ndarray]:
    """Cosine of the best of 200 pictures: captions of them, the same as questions, captions of other pictures."""
    encoder = mirante.load_encoder("scenes")
    here, elsewhere = (
        list(mirante.open_dataset(f"scenes:{one}").items(one, "en")) for one in ("test-200", "validation-200")
    )
    images = encoder.encode_images([item.picture.load() for item in here])
    texts = {
        "there": [item.captions[0].text for item in here],
        "asked": [f"where is {item.captions[0].text}?" for item in here],
        "absent": [item.captions[0].text for item in elsewhere],
    }
    return {name: (encoder.encode_texts(said) @ images.T).max(axis=1) for name, said in texts.items()}


def refusal(lang: str, scores: dict[str, np.ndarray]) -> Figure:
    """The three kinds of query beside each other, with a bound that a calibration could set."""
    figure = Figure(figsize=(7.6, 3.9))
    axes = figure.add_subplot()
    said = SCORES[lang]
    edges = np.linspace(-0.15, 0.35, 21)
    for name, colour in (("there", BLUE), ("asked", GREEN), ("absent", ORANGE)):
        values = scores[name]
        weights = np.full(len(values), 1 / len(values))
        axes.hist(
            values, edges, weights=weights, histtype="stepfilled", alpha=0.4, lw=1.5, color=colour, label=said[name]
        )
    bound = float(np.quantile(scores["there"], 0.05))
    axes.axvline(bound, color=GREY, ls="--")
    axes.text(
        bound + 0.01,
        0.44,
        said["line"].format(at=decimal(bound, 2, lang)),
        color=GREY,
        va="top",
        fontsize=9,
    )
    axes.set(xlabel=said["x"], ylabel=said["y"], xlim=(-0.15, 0.35), ylim=(0, 0.46))
    axes.xaxis.set_major_formatter(lambda value, _: decimal(value, 1, lang))
    axes.yaxis.set_major_formatter(lambda value, _: decimal(value, 1, lang))
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    return figure


if __name__ == "__main__":
    write("rag-flow", flow)
    found = best_scores()
    write("rag-scores", lambda lang: refusal(lang, found))
