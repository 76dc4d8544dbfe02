"""Check the built site: every link leads somewhere, and nothing is fetched from elsewhere when a page opens.

    python scripts/check_site.py [SITE]

Reads every page as HTML: addresses in `href` and `src` must be files of the site (and anchors that are in them), and
what a browser loads by itself (scripts, styles, pictures, fonts, frames) must lie in the site.
"""

import re
import sys
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
LOADED = {"script", "img", "source", "iframe", "video", "audio", "object", "embed", "use", "image"}
"""Elements of which a browser loads every address by itself."""
ADDRESSES = ("src", "href", "xlink:href", "data", "poster")
STYLE_URL = re.compile(r"(?:url\(\s*|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)")
NOT_FOUND = "404.html"
"""Made for servers: its addresses start at the server's root."""


@dataclass
class Page(HTMLParser):
    """What one page links to, loads and can be linked to."""

    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    in_style: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the addresses and anchors of one tag."""
        told = {name: value or "" for name, value in attrs}
        self.anchors |= {told[name] for name in ("id", "name") if told.get(name)}
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        elif tag in LOADED or (tag == "link" and told.get("rel") not in {"canonical", "prev", "next", "alternate"}):
            self.loads += [told[name] for name in ADDRESSES if name in told]
            self.loads += [one.split()[0] for one in told.get("srcset", "").split(",") if one.strip()]
        self.in_style = tag == "style"
        if "style" in told:
            self.loads += STYLE_URL.findall(told["style"])

    def handle_data(self, data: str) -> None:
        """Keep what a style within the page fetches."""
        if self.in_style:
            self.loads += STYLE_URL.findall(data)


@cache
def read(path: Path) -> Page:
    """Parse a page once."""
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def faults(site: Path) -> list[str]:
    """What is wrong with the pages and styles below `site`, one message each."""
    found = []
    for path in sorted(site.rglob("*.html")):
        if path.name == NOT_FOUND:
            continue
        page, name = read(path), path.relative_to(site)
        found += [f"{name}: loads {address} from elsewhere" for address in page.loads if _elsewhere(address)]
        local = [address for address in (*page.links, *page.loads) if not _elsewhere(address)]
        found += [f"{name}: {fault}" for address in local if (fault := _dead(path, address, site))]
    for path in sorted(site.rglob("*.css")):
        fetched = STYLE_URL.findall(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(site)}: loads {address} from elsewhere" for address in fetched]
    return found


def _elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in {"http", "https", "mailto"}


def _dead(path: Path, address: str, site: Path) -> str:
    """Why an address within the site leads nowhere, empty where it leads somewhere."""
    parts = urlsplit(address)
    if parts.scheme in {"data", "javascript"}:
        return ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.is_file() or not target.is_relative_to(site):
        return f"{address} is no file of the site"
    if parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in read(target).anchors:
        return f"{address}: the page has no such place"
    return ""


def main() -> int:
    """Print what is wrong; 1 when something is."""
    site = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "site"
    pages = list(site.rglob("*.html"))
    if not pages:
        raise SystemExit(f"{site} holds no page: build the site first.")
    found = faults(site.resolve())
    print("\n".join(found), file=sys.stderr)
    print(f"{len(pages)} pages, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
