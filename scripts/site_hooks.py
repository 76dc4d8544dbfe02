"""What the documentation site does beyond MkDocs: two languages side by side, the repository's files, formulas.

A page `x.md` has its Portuguese twin `x.pt-BR.md` beside it. Each language is built alone, with a search of its own in
its own language (`mkdocs.yml`, `mkdocs.pt-BR.yml`), and every page links to its twin. A link to a file of the
repository outside `docs/`, or to code, leads to a page that shows it. Formulas become MathML, which browsers draw
without a script. Chapters of the guide with cells come with their notebook.
"""

import html
import os
import posixpath
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jupytext
from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

import chapters
from _pages import DOCS, LINK, OTHER_LANGUAGE, ROOT, SUFFIXES, fences, language, pages, prose, twin

SOURCE = "source/"
TWIN = "twin:"
"""Stands for the address of a page in the language that follows, until the page is drawn."""
LEXERS = {".py": "python", ".toml": "toml", ".json": "json", ".jsonl": "json", ".yml": "yaml", ".trec": "text"}
SHOWN_AS = {"console": "bash", "output": "text"}
FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)
NOTEBOOK = {
    "en": "This chapter is also a notebook: [{name}](../notebooks/{name}).",
    "pt-BR": "Este capítulo também é um caderno: [{name}](../notebooks/{name}).",
}


def on_config(config: Any) -> Any:
    """Give the navigation its titles and files in the language of this half."""
    lang = config.extra["locale"]
    config.nav = [_entry(one, lang, config.extra.get("sections", {})) for one in config.nav]
    return config


def _entry(entry: Any, lang: str, titles: dict[str, str]) -> Any:
    if isinstance(entry, str):
        return entry.removesuffix(".md") + SUFFIXES[lang]
    return {titles.get(title, title): [_entry(one, lang, titles) for one in below] for title, below in entry.items()}


def on_files(files: Files, config: Any) -> Files:
    """Keep the pages of one language, at addresses without its suffix; add the shown files and the notebooks."""
    lang, kept = config.extra["locale"], Files([])
    ours = set(pages(lang))
    for file in files:
        path = Path(file.abs_src_path)
        if path in ours:
            file.dest_uri = _address(file.src_uri, lang)
            file.url, file.name = file.dest_uri, Path(file.dest_uri).stem
        elif file.is_documentation_page() or path.suffix in LEXERS:
            continue
        kept.append(file)
    for path in shown(lang):
        kept.append(File.generated(config, _shown_as(path), content=_page_of(path)))
    for path in _chapters(lang):
        made = jupytext.writes(chapters.notebook(path), fmt="ipynb")
        kept.append(File.generated(config, f"notebooks/{_notebook(path)}", content=made))
    return kept


def _address(uri: str, lang: str) -> str:
    bare = uri.removesuffix(SUFFIXES[lang])
    return (bare.removesuffix("README") + "index" if bare.endswith("README") else bare) + ".html"


def _chapters(lang: str) -> list[Path]:
    return [path.with_name(path.stem + SUFFIXES[lang]) for path in chapters.chapters()]


def _notebook(path: Path) -> str:
    return path.name.removesuffix(".md") + ".ipynb"


@cache
def shown(lang: str) -> tuple[Path, ...]:
    """The files of the repository that the pages of a language link to, and those that these link to in turn."""
    found: dict[Path, None] = {}
    waiting = [target for page in pages(lang) for target in _outside(page)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found[path] = None
            waiting += _outside(path) if path.suffix == ".md" else []
    return tuple(sorted(found))


def _outside(page: Path) -> Iterator[Path]:
    """The files that a page links to and that are shown, since they are no pages of the site."""
    for found in LINK.finditer(prose(page.read_text(encoding="utf-8"), page.name)):
        path = _target(page, found["target"])
        if path and not found["picture"] and path.is_file() and not _on_site(path):
            yield path


def _target(page: Path, link: str) -> Path | None:
    """The file that a link of a page leads to, None for an address or a place in the page itself."""
    bare = link.partition("#")[0]
    if not bare or re.match(r"[a-z]+:", bare):
        return None
    return Path(os.path.normpath(page.parent / bare))


@cache
def _site_pages() -> frozenset[Path]:
    return frozenset(path for lang in SUFFIXES for path in pages(lang))


def _on_site(path: Path) -> bool:
    return path in _site_pages() or (path.is_relative_to(DOCS) and path.suffix not in {".md", *LEXERS})


def _shown_as(path: Path) -> str:
    """Where a shown file lies among the sources of the site."""
    inner = path.relative_to(ROOT).as_posix()
    return SOURCE + (inner if path.suffix == ".md" else f"{inner}.md")


def _page_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    marks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    name = path.relative_to(ROOT).as_posix()
    return f"# {path.name}\n\n`{name}`\n\n{marks}{LEXERS.get(path.suffix, 'text')}\n{text}\n{marks}\n"


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Lead links to where their files are shown, take the line on the other language away, name plain lexers."""
    uri, lang = page.file.src_uri, config.extra["locale"]
    path = _origin(uri)
    text = OTHER_LANGUAGE.sub("", markdown, count=1)
    text = _outside_fences(text, path.name, lambda part: LINK.sub(lambda found: _led(found, path, uri, lang), part))
    if uri.startswith("guide/") and path in _chapters(lang):
        told = NOTEBOOK[lang].format(name=_notebook(path))
        title, rest = text.split("\n", 1)
        text = f"{title}\n\n{told}\n{rest}"
    return text


def _origin(uri: str) -> Path:
    """The file of the repository that a page of the site was made from."""
    if not uri.startswith(SOURCE):
        return DOCS / uri
    inner = ROOT / uri.removeprefix(SOURCE)
    return inner if inner.is_file() else inner.with_suffix("")


def _outside_fences(markdown: str, page: str, change: Any) -> str:
    """Apply `change` to what stands outside of fences; show fences in a known language, commands as one copies them."""
    lines, start, parts = markdown.splitlines(), 0, []
    for fence in fences(markdown, page):
        parts.append(change("\n".join(lines[start : fence.first - 1])))
        opening = lines[fence.first - 1]
        marks = opening[: len(opening) - len(opening.lstrip(" `"))]
        name = fence.info[0] if fence.info else ""
        parts.append(marks + SHOWN_AS.get(name, name))
        inner = lines[fence.first : fence.last]
        parts += [re.sub(r"^( *)\$ ", r"\1", line) for line in inner] if name == "console" else inner
        start = fence.last
    parts.append(change("\n".join(lines[start:])))
    return "\n".join(parts)


def _led(found: re.Match[str], path: Path, uri: str, lang: str) -> str:
    """A link as it stands on the site."""
    target = _target(path, found["target"])
    if target is None:
        return found[0]
    anchor = found["target"].partition("#")[1:]
    if uri.startswith(SOURCE) and target in _site_pages() and language(target) != lang:
        target = twin(target)
    if not _on_site(target):
        if not target.is_file():
            return found[0] if not uri.startswith(SOURCE) else f"`{found['text'].strip('`')}`"
        inner = _shown_as(target)
    else:
        inner = target.relative_to(DOCS).as_posix()
    led = posixpath.relpath(inner, posixpath.dirname(uri)) + "".join(anchor)
    return f"{found['picture']}[{found['text']}]({led})"


def on_page_content(content: str, **_: Any) -> str:
    """Formulas as MathML."""
    return FORMULA.sub(_mathml, content)


def _mathml(found: re.Match[str]) -> str:
    return convert(html.unescape(found["latex"]).strip(), display="block" if found["tag"] == "div" else "inline")


def on_page_context(context: Any, *, config: Any, **_: Any) -> Any:
    """Offer the two languages; where they lead is put in once the page is drawn, since MkDocs keeps within a half."""
    names = {"en": "English", "pt-BR": "Português (Brasil)"}
    config.extra["alternate"] = [{"name": names[lang], "link": TWIN + lang, "lang": lang} for lang in names]
    return context


def on_post_page(output: str, *, page: Any, config: Any) -> str:
    """Link the page to itself and to its twin; a shown file, which is in one language, to the other's first page."""
    lang, here = config.extra["locale"], page.file.dest_uri
    other = "index.html" if page.file.src_uri.startswith(SOURCE) else here
    root = "../" * (here.count("/") + (lang != "en"))
    homes = {"en": root, "pt-BR": f"{root}pt-BR/"}
    for one, home in homes.items():
        output = output.replace(f'"{TWIN}{one}"', f'"{home}{here if one == lang else other}"')
    return output
