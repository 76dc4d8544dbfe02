"""Film the command line: run a few commands in a terminal, and draw what they print as docs/figures/cli*.gif.

Nothing is made up: every line of the film was printed by the command above it, on this machine, a moment before. Only
the waiting is cut. The model `portuguese` is the embedded one after `mirante train configs/scenes-pt.toml`; it is
trained first where `runs/film` has none yet.

    python scripts/cli_gif.py
"""

import codecs
import fcntl
import os
import pty
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
from PIL import Image, ImageDraw, ImageFont
from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
STAGE = ROOT / "runs" / "film"
MODEL = STAGE / "portuguese"
FIGURES = ROOT / "docs" / "figures"

COLUMNS, ROWS = 106, 31
SIZE, LINE, EDGE = 13, 17, 12
KEY, PAUSE, LAST = 0.045, 1.1, 4.5
"""Seconds: between two keys, before the next command, and before the film begins again."""
LONGEST = 2.2
"""Seconds of the film that a command may take; longer ones are shown faster."""
STEP = 0.12
"""Seconds between two pictures at least."""
SHADES = 12
"""Steps from the paper to the full colour of a letter, whose edges are soft."""
PAPER, INK, PROMPT, REMARK = (24, 28, 34), (222, 226, 230), (126, 211, 133), (140, 150, 162)
THEME = TerminalTheme(
    PAPER,
    INK,
    [REMARK, (240, 113, 120), PROMPT, (240, 200, 110), (110, 170, 240), (200, 150, 230), (100, 205, 210), INK],
)

QUERIES = {"en": "a yellow star at night", "pt-BR": "uma estrela amarela à noite"}
REMARKS = {
    "en": "# `scenes` was taught English only; `portuguese` is the same model after a minute of lessons",
    "pt-BR": "# `scenes` só aprendeu inglês; `portuguese` é o mesmo modelo depois de um minuto de aulas",
}


def script(lang: str) -> tuple[str, ...]:
    """The commands of the film."""
    return (
        f"mirante embed scenes:test --lang {lang[:2]} --model portuguese --out vectors",
        "mirante index vectors --kind exact",
        f'mirante search vectors "{QUERIES[lang]}" -k 3',
        "mirante evaluate scenes:test --lang pt --model scenes --model portuguese --out results",
    )


def shown(transcript: str) -> list[Text]:
    """The last lines of a terminal after all that was written to it; `\\r` begins the last line anew."""
    lines = [line.rpartition("\r")[2].removeprefix("\x1b[K") for line in transcript.replace("\r\n", "\n").split("\n")]
    whole = [next(AnsiDecoder().decode(line), Text()) for line in lines[-ROWS:]]
    cut = [part for line in whole for part in line.divide(range(COLUMNS, len(line), COLUMNS))]
    return cut[-ROWS:]


class Painter:
    """Draws terminals in the monospace font that comes with matplotlib."""

    def __init__(self) -> None:
        fonts = Path(mpl.get_data_path()) / "fonts" / "ttf"
        names = ("DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf")
        self._plain, self._bold = (ImageFont.truetype(fonts / name, SIZE) for name in names)
        self._advance = self._plain.getlength("m")
        self._size = round(COLUMNS * self._advance) + 2 * EDGE, ROWS * LINE + 2 * EDGE

    def draw(self, transcript: str) -> Image.Image:
        """One picture of the film."""
        image = Image.new("RGB", self._size, PAPER)
        pen, console = ImageDraw.Draw(image), Console(width=COLUMNS)
        for row, line in enumerate(shown(transcript)):
            column = 0
            for text, style, _ in line.render(console):
                ink = tuple(style.color.get_truecolor(THEME)) if style and style.color else INK
                for letter in text:
                    place = EDGE + column * self._advance, EDGE + row * LINE
                    pen.text(place, letter, ink, self._bold if style and style.bold else self._plain)
                    column += 1
        return image


def printed(command: str, lang: str) -> Iterator[tuple[float, str]]:
    """Run a command in a terminal: seconds since its start and what it printed then, piece by piece.

    Raises:
        SystemExit: the command failed.
    """
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    told = {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "MIRANTE_LANG": lang[:2], "PATH": path}
    words = codecs.getincrementaldecoder("utf-8")()
    start = time.monotonic()
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=STAGE,
        env={**os.environ, **told},
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
    ) as process:
        os.close(its)
        while piece := _read(ours):
            yield time.monotonic() - start, words.decode(piece)
    os.close(ours)
    if process.returncode:
        raise SystemExit(f"{command!r} failed with {process.returncode}.")


def _read(terminal: int) -> bytes:
    """What comes next; nothing once the other side is closed, which Linux tells as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def film(lang: str) -> Iterator[tuple[str, float]]:
    """All that stands in the terminal, and for how many seconds of the film."""
    prompt, reset = "\x1b[32m$\x1b[0m ", "\x1b[0m"
    transcript = f"\x1b[90m{REMARKS[lang]}{reset}\n{prompt}"
    yield transcript, PAUSE
    for command in script(lang):
        for key in command:
            transcript += key
            yield transcript, KEY
        transcript += "\n"
        pieces = list(printed(command, lang))
        faster = min(1.0, LONGEST / pieces[-1][0])
        for (begun, piece), (ended, _) in zip(pieces, [*pieces[1:], pieces[-1]], strict=True):
            transcript += piece
            yield transcript, faster * (ended - begun)
        transcript += prompt
        yield transcript, PAUSE
    yield transcript, LAST


def pictures(lang: str) -> Iterator[tuple[Image.Image, int]]:
    """The film: pictures, and the milliseconds that each stays."""
    painter, waiting = Painter(), 0.0
    for transcript, seconds in film(lang):
        waiting += seconds
        if waiting >= STEP:
            yield painter.draw(transcript), round(1000 * waiting)
            waiting = 0.0


def palette() -> Image.Image:
    """Every colour of the film, so that a rare one is not lost to a frequent one."""
    inks = [THEME.foreground_color, *(THEME.ansi_colors[at] for at in range(8))]
    shades = [
        round(paper + (ink - paper) * step / (SHADES - 1))
        for colour in dict.fromkeys(map(tuple, inks))
        for step in range(SHADES)
        for paper, ink in zip(PAPER, colour, strict=True)
    ]
    image = Image.new("P", (1, 1))
    image.putpalette(shades)
    return image


def teach() -> None:
    """Train the model of the film, unless it is there.

    Raises:
        CalledProcessError: the training failed.
    """
    if (MODEL / "config.json").is_file():
        return
    (STAGE / "configs").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "configs" / "scenes-pt.toml", STAGE / "configs")
    for _ in printed("mirante train configs/scenes-pt.toml", "en"):
        pass
    shutil.copytree(STAGE / "runs" / "scenes-pt" / "checkpoint", MODEL)


def main() -> None:
    """Write the film in both languages."""
    teach()
    for lang, name in {"en": "cli.gif", "pt-BR": "cli.pt-BR.gif"}.items():
        for left in ("vectors", "results"):
            shutil.rmtree(STAGE / left, ignore_errors=True)
        drawn, durations = zip(*pictures(lang), strict=True)
        colours = palette()
        first, *rest = (one.quantize(palette=colours, dither=Image.Dither.NONE) for one in drawn)
        path = FIGURES / name
        first.save(path, save_all=True, append_images=rest, duration=durations, loop=0, optimize=True)
        print(f"{path}: {len(drawn)} pictures, {sum(durations) / 1000:.0f} s, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
