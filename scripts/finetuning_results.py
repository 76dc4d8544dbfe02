"""Run fine-tuning recipes with three seeds each and write docs/results/fine-tuning*.md and .json from what they give.

    python scripts/finetuning_results.py [scenes-pt scenes-pt-lora …]
    python scripts/finetuning_results.py --pages | --check

A run that is already there (runs/NAME-SEED) is not done again; recipes that are not named keep their figures.
"""

import argparse
import json
import statistics
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from _pages import paragraph
from _saved import add_options, head, numbers, settle, twins
from mirante.cli.output import percent
from mirante.progress import Line, listening
from mirante.training import read_config, train
from mirante.types import Estimate

ROOT = Path(__file__).resolve().parents[1]
HOME = ROOT / "docs" / "results"
SAVED = HOME / "fine-tuning.json"
SEEDS = (0, 1, 2)
T_OF_2 = 4.303  # Student's t, 97.5 %, 2 degrees of freedom
METRIC = "hit_rate@1"
RECIPES = ("scenes-pt", "scenes-pt-lora", "scenes-chalk", "stamps-pt")
COMMAND = "python scripts/finetuning_results.py"
WORDS = {
    "en": {
        "title": "Fine-tuning",
        "scenes-pt": "Portuguese, text tower",
        "scenes-pt-lora": "Portuguese, LoRA",
        "scenes-chalk": "A drawing style never seen, image tower",
        "stamps-pt": "Tux Paint stamps in Portuguese",
        "head": """Written by `{command}` from the recipes in `configs/`, each with seeds 0, 1 and 2. Text to
            image, {metric} in per cent, 95 % intervals by bootstrap over pictures. The mean over seeds has a 95 %
            interval by Student's t with 2 degrees of freedom: it says how much the seed matters, not how much the test
            pictures do. Pictures of the measured splits are seen in training by none of the recipes, and nothing is
            selected by them.""",
        "sizes": "{steps} steps; {trained:,} of {every:,} parameters trained ({share:.1f} %). Measured on {target}",
        "retained": "; retained: {retain}",
        "asked": "{data}{told}, {queries:,} queries in {gallery:,} pictures",
        "in": " in {language}",
        "columns": "seed | before | after | retained before | retained after | seconds",
        "made": "Made by `{command}`.",
        "gain": "Gain: {spread} points.",
        "change": "Change of what was to be retained: {spread} points.",
        "share": "LoRA reaches {share} of the gain of `scenes-pt.toml`.",
    },
    "pt": {
        "title": "Ajuste fino",
        "scenes-pt": "Português, torre de texto",
        "scenes-pt-lora": "Português, LoRA",
        "scenes-chalk": "Um estilo de desenho nunca visto, torre de imagem",
        "stamps-pt": "Carimbos do Tux Paint em português",
        "head": """Escrito por `{command}` a partir das receitas em `configs/`, cada uma com as sementes 0, 1 e 2, de
            texto para imagem: {metric} em por cento, intervalos de 95 % por bootstrap sobre as imagens. A média das
            sementes tem um intervalo de 95 % pelo t de Student com 2 graus de liberdade: ele diz quanto a semente
            importa, não quanto importam as imagens de teste. Nenhuma receita vê no treino as imagens das partições
            medidas, e nada é escolhido por elas.""",
        "sizes": "{steps} passos; {trained:,} de {every:,} parâmetros treinados ({share:.1f} %). Medido em {target}",
        "retained": "; retido: {retain}",
        "asked": "{data}{told}, {queries:,} consultas em {gallery:,} imagens",
        "in": " em {language}",
        "columns": "semente | antes | depois | retido antes | retido depois | segundos",
        "made": "Feito por `{command}`.",
        "gain": "Ganho: {spread} pontos.",
        "change": "Mudança no que devia ser retido: {spread} pontos.",
        "share": "A LoRA alcança {share} do ganho de `scenes-pt.toml`.",
    },
}


def measure(name: str, seed: int) -> dict[str, Any]:
    """One run of a recipe."""
    config = read_config(ROOT / "configs" / f"{name}.toml")
    done = train(replace(config, seed=seed, out=str(ROOT / "runs" / f"{name}-{seed}"))).to_dict()
    line: dict[str, Any] = {key: done[key] for key in ("steps", "seconds", "parameters", "protocols")}
    for key in ("before", "after", "retain_before", "retain_after"):
        line[key] = _plain(done[key].get(METRIC))
    return {"seed": seed, **line}


def _plain(one: Estimate | None) -> dict[str, float] | None:
    return None if one is None else {"value": one.value, "low": one.low, "high": one.high}


def page(known: dict[str, Any], lang: str) -> str:
    """All that is known, in Markdown."""
    words = WORDS[lang]
    parts = [head(words["title"], "fine-tuning", lang).rstrip()]
    parts.append(paragraph(words["head"].format(command=COMMAND, metric=METRIC)))
    parts += [section(name, known[name], lang) for name in RECIPES if name in known]
    return "\n\n".join([*parts, *compared(known, lang)]) + "\n"


def section(name: str, runs: list[dict[str, Any]], lang: str) -> str:
    """The table of one recipe."""
    words = WORDS[lang]
    target, retain = runs[0]["protocols"]["target"], runs[0]["protocols"].get("retain")
    data = read_config(ROOT / "configs" / f"{name}.toml").data
    trained, every = runs[0]["parameters"]["trained"], runs[0]["parameters"]["all"]
    said = words["sizes"].format(
        steps=runs[0]["steps"],
        trained=trained,
        every=every,
        share=100 * trained / every,
        target=asked(target, data.language, lang),
    )
    said += words["retained"].format(retain=asked(retain, data.retain_language, lang)) if retain else ""
    lines = [
        f"## {words[name]}: [{name}.toml](../../configs/{name}.toml)",
        "",
        paragraph(numbers(said + ".", lang)),
        "",
        f"| {words['columns']} |",
        "|" + "---|" * 6,
    ]
    for run in runs:
        cells = [shown(run[key]) for key in ("before", "after", "retain_before", "retain_after")]
        lines.append(numbers(f"| {run['seed']} | {' | '.join(cells)} | {run['seconds']:.0f} |", lang))
    gains = [100 * (run["after"]["value"] - run["before"]["value"]) for run in runs]
    lines += ["", words["made"].format(command=COMMAND)]
    lines += ["", numbers(words["gain"].format(spread=spread(gains)), lang)]
    if retain:
        lost = [100 * (run["retain_after"]["value"] - run["retain_before"]["value"]) for run in runs]
        lines.append(numbers(words["change"].format(spread=spread(lost)), lang))
    return "\n".join(lines)


def asked(protocol: dict[str, Any], language: str | None, lang: str) -> str:
    """A protocol in words."""
    told = WORDS[lang]["in"].format(language=language) if language else ""
    data = protocol["data"] if lang == "en" else protocol["data"].replace("(held out ", "(separados ")
    return WORDS[lang]["asked"].format(data=data, told=told, queries=protocol["queries"], gallery=protocol["gallery"])


def shown(one: dict[str, float] | None) -> str:
    """A cell."""
    return "–" if one is None else percent(Estimate(**one))


def spread(points: list[float]) -> str:
    """Mean and interval over seeds."""
    mean, half = statistics.mean(points), T_OF_2 * statistics.stdev(points) / len(points) ** 0.5
    return f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}]"


def compared(known: dict[str, Any], lang: str) -> list[str]:
    """LoRA's share of the full gain."""
    if not {"scenes-pt", "scenes-pt-lora"} <= set(known):
        return []
    gains = {
        name: [run["after"]["value"] - run["before"]["value"] for run in known[name]]
        for name in ("scenes-pt", "scenes-pt-lora")
    }
    shares = [100 * lora / full for lora, full in zip(gains["scenes-pt-lora"], gains["scenes-pt"], strict=True)]
    mean, half = statistics.mean(shares), T_OF_2 * statistics.stdev(shares) / len(shares) ** 0.5
    told = f"{mean:.1f} % [{mean - half:.1f}, {mean + half:.1f}]"
    return [numbers(WORDS[lang]["share"].format(share=told), lang)]


def saved() -> dict[str, Any]:
    """Figures of earlier runs, by recipe."""
    return json.loads(SAVED.read_text(encoding="utf-8")) if SAVED.is_file() else {}


def main() -> int:
    """Run, gather, write; or only write, or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[[], *RECIPES])
    add_options(parser)
    wanted = parser.parse_args()
    known = saved()
    if not (wanted.pages or wanted.check):
        with listening(Line()):
            for name in wanted.names or RECIPES:
                known[name] = [measure(name, seed) for seed in SEEDS]
                SAVED.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    pages = {path: page(known, lang) for lang, path in twins(HOME, "fine-tuning").items()}
    return settle(pages, check=wanted.check, script=Path(__file__).name)


if __name__ == "__main__":
    sys.exit(main())
