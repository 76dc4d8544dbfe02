"""`mirante imagine`: pictures from words, drawn towards what an encoder takes for them, or sampled and ranked by it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirante.cli.options import Output, Running, verb
from mirante.messages import text

if TYPE_CHECKING:
    from PIL.Image import Image

    from mirante.imagine import Imagined, Steps, Wish
    from mirante.types import Encoder, Term

SHOWN = 6
"""Previews of a picture on the contact sheet."""


@dataclass(frozen=True)
class Prompts:
    """What is added to the words."""

    image: Annotated[list[str] | None, typer.Option(metavar="FILE[^WEIGHT]", help=text("imagine.image"))] = None
    plus: Annotated[list[str] | None, typer.Option(metavar="TEXT[^WEIGHT]", help=text("imagine.plus"))] = None
    minus: Annotated[list[str] | None, typer.Option(metavar="TEXT[^WEIGHT]", help=text("imagine.minus"))] = None
    minus_image: Annotated[list[str] | None, typer.Option(metavar="FILE[^WEIGHT]", help=text("imagine.minus"))] = None

    def terms(self, words: str | None) -> "tuple[Term, ...]":
        """All of them.

        Raises:
            UsageError: nothing is asked.
            UnreadableImage: a file is no picture.
        """
        from mirante.search import parse_terms

        pictures = [*_pictures(self.image, 1), *_pictures(self.minus_image, -1)]
        if pictures and not (words or self.plus or self.minus):
            return tuple(pictures)
        return (*parse_terms(words, plus=self.plus or (), minus=self.minus or ()), *pictures)


@dataclass(frozen=True)
class Drawing:
    """How it is drawn."""

    generator: Annotated[str, typer.Option(metavar="KIND[:ADDRESS]", help=text("imagine.generator"))] = "fourier"
    steps: Annotated[int, typer.Option(min=1, help=text("imagine.steps"))] = 200
    size: Annotated[int | None, typer.Option(help=text("imagine.size"))] = None
    rate: Annotated[float | None, typer.Option(help=text("imagine.rate"))] = None
    smooth: Annotated[float, typer.Option(min=0, help=text("imagine.smooth"))] = 0.0
    cutouts: Annotated[int, typer.Option(min=1, help=text("imagine.cutouts"))] = 16
    smallest: Annotated[float, typer.Option(help=text("imagine.smallest"))] = 0.7
    preview_every: Annotated[int, typer.Option(min=1, help=text("imagine.preview-every"))] = 20

    def settings(self) -> "Steps":
        """As the library takes them.

        Raises:
            UsageError: a number that makes no sense.
        """
        from mirante.imagine import Steps
        from mirante.imagine.cutouts import Cutouts

        return Steps(self.steps, self.rate, self.smooth, Cutouts(self.cutouts, self.smallest), self.preview_every)


@dataclass(frozen=True)
class Choosing:
    """Which pictures, where they go, and who else is asked."""

    seed: Annotated[int, typer.Option(min=0, help=text("imagine.seed"))] = 0
    pictures: Annotated[int, typer.Option(min=1, help=text("imagine.pictures"))] = 1
    judge: Annotated[str | None, typer.Option(metavar="MODEL", help=text("imagine.judge"))] = None
    usd_per_hour: Annotated[float, typer.Option(min=0, help=text("imagine.usd-per-hour"))] = 0.0


@verb
def imagine(
    out: Annotated[Path, typer.Option(help=text("imagine.out"))],
    prompts: Prompts,
    drawing: Drawing,
    choosing: Choosing,
    running: Running,
    output: Output,
    words: Annotated[str | None, typer.Argument(help=text("imagine.words"))] = None,
    guide: Annotated[str, typer.Option(metavar="MODEL", help=text("imagine.guide"))] = "scenes",
) -> None:
    """Draw pictures, keep them with their way, and say how well they fit."""
    from mirante.imagine import Wish, best_first
    from mirante.imagine import imagine as draw

    seeds = tuple(range(choosing.seed, choosing.seed + choosing.pictures))
    wish = Wish(prompts.terms(words), drawing.generator, seeds, drawing.size, drawing.settings())
    encoder, judge = running.load(guide), running.load(choosing.judge) if choosing.judge else None
    folder = _Folder(out)
    drawn = best_first(folder.keep(one) for one in draw(wish, encoder, folder.preview))
    sheet = folder.sheet(drawn)
    found = [_told(one, folder, wish, judge) for one in drawn]
    document = {
        "schema": 1,
        "pictures": found,
        "contact_sheet": str(sheet),
        **_conditions(wish, encoder, judge, choosing),
    }
    document["cost"] = _cost(drawn, encoder, choosing.usd_per_hour)
    folder.write(document)
    if output.document(document):
        return
    head = [text("imagine.column-picture"), text("imagine.column-seed"), text("imagine.column-similarity")]
    head += [text("imagine.column-judge")] if judge else []
    shown = [[one["path"], str(one["seed"]), f"{one['similarity']:.3f}"] for one in found]
    for row, one in zip(shown, found, strict=True):
        row += [f"{one['judged']:.3f}"] if judge else []
    output.table(head, shown)
    output.say("imagine.drawn", count=len(drawn), seconds=f"{document['cost']['seconds_per_image']:.1f}", sheet=sheet)


class _Folder:
    """Where the pictures go."""

    def __init__(self, out: Path) -> None:
        from mirante.disk import disk

        self.out = out
        with disk(out):
            out.mkdir(parents=True, exist_ok=True)

    def preview(self, seed: int, step: int, image: "Image") -> None:
        """The picture as it is now, in place of its last preview."""
        del step
        self._save(image, self.picture(seed))

    def picture(self, seed: int) -> Path:
        """The file of a seed."""
        return self.out / f"{seed}.png"

    def way(self, seed: int) -> Path:
        """The animation of a seed."""
        return self.out / f"{seed}.gif"

    def keep(self, one: "Imagined") -> "Imagined":
        """The finished picture and its way."""
        from mirante.imagine.shown import save_animation

        self._save(one.image, self.picture(one.seed))
        save_animation([image for _, image in one.way], self.way(one.seed))
        return one

    def sheet(self, drawn: "list[Imagined]") -> Path:
        """One row for each picture, best first, from its first previews to its end."""
        from mirante.imagine.shown import contact_sheet, evenly

        path = self.out / "contact.png"
        self._save(contact_sheet([evenly([image for _, image in one.way], SHOWN) for one in drawn]), path)
        return path

    def write(self, document: dict[str, Any]) -> None:
        """The document beside the pictures."""
        import json

        from mirante.disk import disk

        path = self.out / "imagine.json"
        with disk(path):
            path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _save(self, image: "Image", path: Path) -> None:
        from mirante.disk import disk

        with disk(path):
            image.save(path)


def _pictures(given: list[str] | None, sign: int) -> "list[Term]":
    from mirante import pixels
    from mirante.types import Term

    found = []
    for one in given or []:
        path, _, weight = one.rpartition("^")
        weighted = bool(path) and weight.replace(".", "", 1).isdecimal()
        image = pixels.read_file(path if weighted else one)
        found.append(Term(sign * (float(weight) if weighted else 1.0), image=image))
    return found


def _told(one: "Imagined", folder: _Folder, wish: "Wish", judge: "Encoder | None") -> dict[str, Any]:
    from mirante.imagine import similarity

    told = {"path": str(folder.picture(one.seed)), "way": str(folder.way(one.seed)), "seed": one.seed}
    told |= {"similarity": one.similarity, "seconds": one.seconds}
    return told | ({"judged": similarity(one.image, wish.terms, judge)} if judge else {})


def _conditions(wish: "Wish", encoder: "Encoder", judge: "Encoder | None", choosing: Choosing) -> dict[str, Any]:
    """What made the pictures, so that they can be made again."""
    from dataclasses import asdict

    prompts = [{"weight": one.weight, "text": one.text, "image": one.image is not None} for one in wish.terms]
    return {
        "protocol": {
            "prompts": prompts,
            "generator": wish.generator,
            "guide": asdict(encoder.provenance),
            "judge": asdict(judge.provenance) if judge else None,
            "seeds": list(wish.seeds),
            "size": wish.size,
            "steps": asdict(wish.steps),
        }
    }


def _cost(drawn: "list[Imagined]", encoder: "Encoder", usd_per_hour: float) -> dict[str, Any]:
    """The fields in which an evaluation tells its cost."""
    from mirante.cost.timing import each_image
    from mirante.environment import device_of

    return each_image(sum(one.seconds for one in drawn) / len(drawn), device_of(encoder), usd_per_hour)


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command("imagine", help=text("imagine.verb"))(imagine)
