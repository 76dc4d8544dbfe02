"""The model card: what a checkpoint was made from, what it reaches, what it cost, whose licences apply."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mirante import environment, messages
from mirante.training.config import Data, Elip, Lora, LossTerm, Part, TrainConfig
from mirante.training.forgetting import forgetting
from mirante.training.hub import hub_id
from mirante.training.snapshot import Measured
from mirante.types import Estimate

if TYPE_CHECKING:
    from mirante.training import Training

CARD = "README.md"
LIBRARIES = ("mirante", "torch", "transformers")
_RANKS = frozenset({"median_rank"})
_PLAIN = frozenset({"cider_d"})


def write(done: "Training", config: TrainConfig, lang: str = "en") -> Path:
    """Write `README.md` into the checkpoint, as the hub reads it: front matter, then Markdown.

    Args:
        done: what the run did.
        config: what it was asked to do.
        lang: `"en"` or `"pt"`.
    """
    path = done.checkpoint / CARD
    part = path.with_suffix(".part")
    part.write_text(_Card(done, config, lang).page(), encoding="utf-8")
    return part.replace(path)


class _Card:
    """The parts of one card in one language."""

    def __init__(self, done: "Training", config: TrainConfig, lang: str) -> None:
        self._done, self._config, self._lang = done, config, lang

    def page(self) -> str:
        """All of it."""
        blocks = [self._front(), f"# {Path(self._config.out).resolve().name}", self._origin()]
        blocks += self._data() + self._results() + self._training()
        blocks += [self._head("licence"), self._say("licence_based" if self._done.base else "licence_new")]
        return "\n\n".join(blocks) + "\n"

    def _front(self) -> str:
        apart = (self._done.checkpoint / "adapter_config.json").is_file()
        fields: dict[str, Any] = {
            "library_name": "peft" if apart else "transformers",
            "pipeline_tag": "zero-shot-image-classification",
            "tags": ["mirante", "image-text-retrieval"],
        }
        if self._config.elip:
            fields |= {"library_name": "mirante", "tags": [*fields["tags"], "elip", "reranking"]}
            del fields["pipeline_tag"]
        if self._config.caption:
            fields |= {"pipeline_tag": "image-to-text", "tags": ["mirante", "image-captioning"]}
        if self._done.base and (base := hub_id(self._done.base.model)):
            fields["base_model"] = base
            fields["base_model_relation"] = "adapter" if apart or self._config.elip else "finetune"
        if languages := _languages(self._config.data):
            fields["language"] = languages
        if self._config.data.address.startswith("hf:") and (named := hub_id(self._config.data.address[3:])):
            fields["datasets"] = [named]
        return "\n".join(["---", *(f"{key}: {json.dumps(value)}" for key, value in fields.items()), "---"])

    def _origin(self) -> str:
        if self._done.base is None:
            return self._say("from_nothing")
        kind = "from_caption" if self._config.caption else "from_guided" if self._config.elip else "from"
        return self._say(
            kind,
            model=_public(self._done.base.model),
            revision=self._done.base.revision,
        )

    def _data(self) -> list[str]:
        data = self._config.data
        rows = [
            (self._say("training_data"), f"`{_public(data.address)}`"),
            (self._say("language"), data.language or self._say("all_languages")),
            (self._say("captions"), self._say(f"captions_{data.captions}")),
            (self._say("held_out"), f"{100 * data.hold_out:g} %" if data.hold_out else ""),
            (self._say("limit"), f"{data.limit:,}" if data.limit else ""),
            (self._say("unreadable"), f"{len(self._done.unreadable):,}"),
        ]
        return [self._head("data"), self._facts(rows)]

    def _results(self) -> list[str]:
        before, after, data = self._done.before, self._done.after, self._config.data
        blocks = [self._head("results"), self._say("intervals_caption" if self._config.caption else "intervals")]
        for name, old, new, language in (
            ("target", before.target, after.target, data.language),
            ("retain", before.retain, after.retain, data.retain_language),
        ):
            if new:
                blocks += [self._side_title(name, new, language), self._protocol(new), self._comparison(old, new)]
                blocks += [self._examples(old, new)] if new.written else []
        if found := forgetting(before, after):
            shares = {"before": _written("", found.before), "after": _written("", found.after)}
            change = f"{found.change:+.1f}"
            blocks.append(messages.text(f"train.{found.verdict}", self._lang, change=change, **shares))
        if self._config.validate_every and after.target:
            blocks.append(self._say("optimistic"))
        return blocks if len(blocks) > 2 else [blocks[0], self._say("not_measured")]

    def _side_title(self, name: str, new: Measured, language: str | None) -> str:
        spoken = language or self._say("all_languages")
        return f"### {self._say(name)}: `{_public(new.protocol.data)}` ({spoken})"

    def _protocol(self, new: Measured) -> str:
        said = new.protocol
        if self._config.caption:
            per_image = f"{said.captions_per_image:.1f}"
            return self._say("protocol_caption", queries=f"{said.queries:,}", per_image=per_image, dropped=said.dropped)
        return self._say(
            "protocol",
            queries=f"{said.queries:,}",
            gallery=f"{said.gallery:,}",
            per_image=f"{said.captions_per_image:.1f}",
            equal=self._say("equal_shared" if said.equal_captions == "shared" else "equal_as_given"),
            dropped=f"{said.dropped:,}",
            ties=said.ties,
        )

    def _comparison(self, old: Measured | None, new: Measured) -> str:
        head = [self._say(key) for key in ("metric", "before", "after")]
        known = old.metrics if old else {}
        rows = [
            (f"`{name}`", _written(name, known[name]) if name in known else "–", _written(name, value))
            for name, value in new.metrics.items()
        ]
        return _table(head, rows)

    def _examples(self, old: Measured | None, new: Measured) -> str:
        """Captions of the same pictures before and after, beside the data's own."""
        earlier = {one.image: one.caption for one in old.written} if old else {}
        head = [self._say(key) for key in ("picture", "reference", "before", "after")]
        rows = [
            (f"`{_public(one.image)}`", " / ".join(one.references), earlier.get(one.image, "–"), one.caption)
            for one in new.written
        ]
        return _table(head, rows)

    def _training(self) -> list[str]:
        config, done = self._config, self._done
        trained = config.trained
        share = 100 * done.parameters.trained / max(1, done.parameters.all)
        counts = {"trained": f"{done.parameters.trained:,}", "all": f"{done.parameters.all:,}", "share": f"{share:.1f}"}
        versions = environment.describe()["versions"]
        rows = [
            (self._say("image_tower"), self._part("none" if config.elip else trained.image)),
            (
                self._say("decoder" if config.caption else "text_tower"),
                self._part("none" if config.elip else trained.text),
            ),
            (self._say("guide"), self._guide(config.elip) if config.elip else ""),
            (self._say("adapters"), self._adapters(trained.lora) if trained.lora else ""),
            (self._say("geometric"), self._say("yes") if trained.geometric else ""),
            (self._say("parameters"), self._say("parameters_of", **counts)),
            (self._say("objective"), self._objective()),
            (self._say("hard"), self._say("hard_every", every=config.hard.every) if config.hard else ""),
            (self._say("steps"), f"{done.steps:,}"),
            (self._say("batch"), f"{config.batch:,}"),
            (self._say("rate"), f"{config.learning_rate:g}, {config.optimiser}, {config.schedule}"),
            (self._say("precision"), config.memory.precision),
            (self._say("seed"), str(config.seed)),
            (self._say("stopped"), f"`{done.stopped}`" if done.stopped else ""),
            (self._say("cost"), self._cost(done.cost)),
            (self._say("expected"), self._cost(done.predicted) if done.predicted else ""),
            (self._say("versions"), ", ".join(f"{name} {versions[name]}" for name in LIBRARIES if name in versions)),
        ]
        return [self._head("training"), self._facts(rows)]

    def _objective(self) -> str:
        if self._config.caption:
            return self._say("likelihood")
        return f"`{self._config.elip.loss}`" if self._config.elip else " + ".join(map(_term, self._config.losses))

    def _part(self, part: Part) -> str:
        return self._say("part_blocks", blocks=part) if isinstance(part, int) else self._say(f"part_{part}")

    def _guide(self, elip: Elip) -> str:
        guide = elip.guide
        tokens = str(guide.prompts) if guide.form == "prompts" else "–"
        layers = {"entry": guide.entry, "deep": guide.deep, "prompts": tokens}
        candidates = elip.candidates or self._say("all_candidates")
        return self._say("guided", form=guide.form, reads=guide.reads, candidates=candidates, **layers)

    def _cost(self, figures: Mapping[str, float | None]) -> str:
        """Hours, memory and, where an hour has a price, money."""
        hours, most, usd = (figures.get(key) for key in ("hours", "peak_bytes", "usd"))
        said = self._say("hours", hours=f"{hours or 0:.3g}")
        said += self._say("memory", peak=f"{most / 1e9:.2f}") if most else ""
        return said + (self._say("usd", usd=f"{usd:.2f}") if self._config.usd_per_hour and usd is not None else "")

    def _adapters(self, lora: Lora) -> str:
        kind = "DoRA" if lora.dora else "LoRA"
        kept = self._say("merged" if lora.merge else "apart")
        return self._say("adapters_of", kind=kind, rank=lora.rank, alpha=f"{lora.alpha:g}", kept=kept)

    def _head(self, key: str) -> str:
        return f"## {self._say(f'title_{key}')}"

    def _facts(self, rows: Iterable[tuple[str, str]]) -> str:
        return _table(("", ""), [row for row in rows if row[1]])

    def _say(self, key: str, **values: object) -> str:
        return messages.text(f"card.{key}", self._lang, **values)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _written(metric: str, one: Estimate) -> str:
    """A value with its interval, e.g. `86.5 % [84.2, 88.7]`; ranks as they are."""
    scale, places, unit = (1, "g", "") if metric in _RANKS else (100, ".1f", " %")
    if metric in _PLAIN:
        scale, places, unit = 1, ".3f", ""
    value, low, high = (f"{scale * number:{places}}" for number in (one.value, one.low, one.high))
    return f"{value}{unit} [{low}, {high}]"


def _term(term: LossTerm) -> str:
    options = ", ".join(f"{name} {value:g}" for name, value in term.options.items())
    told = "; ".join(one for one in (options, f"texts: {term.texts}" if term.texts != "all" else "") if one)
    weight = f"{term.weight:g} × " if term.weight != 1 else ""
    return f"{weight}`{term.name}`" + (f" ({told})" if told else "")


def _public(address: str) -> str:
    """An address without the folders of the machine that it was used on."""
    return re.sub(r"(?<![\w/.-])/(?:[^/:]+/)*", "", address)


def _languages(data: Data) -> list[str]:
    """Two-letter codes, as the hub files models by them."""
    wanted = (data.language, data.retain_language if data.retain else None)
    return list(dict.fromkeys(one[:2].lower() for one in wanted if one))
