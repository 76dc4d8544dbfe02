"""The commands of a page are found, servers run beside them, and one that fails is reported."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "page_commands.py"

README = r"""
# A README

$ outside of a fence

```console
$ echo one
one
$ echo two \
    three
```

```python
$ echo not a console
```

```console no-run
$ mirante serve
```

1. A list:

   ```console
   $ echo one
   $ {last}
   ```
"""


def runner(readme: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options, str(readme)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(README.replace("{last}", "echo four"), encoding="utf-8")
    return path


def test_commands_are_listed_once_with_their_place(readme: Path) -> None:
    assert runner(readme, "--list").stdout.splitlines() == [
        "run   README.md:7  echo one",
        "run   README.md:10  echo two three",
        "skip  README.md:18  mirante serve",
        "run   README.md:25  echo four",
    ]


def test_every_command_is_run_but_servers(readme: Path) -> None:
    done = runner(readme)
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line in {"one", "two three", "four"}] == [
        "one",
        "two three",
        "four",
    ]
    assert "serve" not in done.stdout


def test_what_ran_already_is_left_out_if_it_stands_there(readme: Path) -> None:
    done, unknown = runner(readme, "--done", "echo one"), runner(readme, "--done", "echo none")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line in {"one", "two three", "four"}] == ["two three", "four"]
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "No page has the command 'echo none'" in unknown.stderr


@pytest.mark.parametrize("last", ["exit 3", "false | true", "ls no-such-file"])
def test_a_command_that_fails_fails_the_run_and_is_named(readme: Path, last: str) -> None:
    readme.write_text(README.replace("{last}", last), encoding="utf-8")
    done = runner(readme)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"FAILED README.md:25: {last}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no commands here\n", "no command to run"),
        ("```console no-run\n$ mirante serve\n```\n", "no command to run"),
        ("```console\n$ echo one\n", "a fence is never closed"),
        ("```console\n$ echo one \\\n```\n", "ends within a command"),
    ],
)
def test_a_readme_that_proves_nothing_is_refused(readme: Path, text: str, message: str) -> None:
    readme.write_text(text, encoding="utf-8")
    done = runner(readme)
    assert done.returncode == 1
    assert message in done.stderr


SERVER = """
```console server
$ echo http://{address}; echo started $$ >> {log}; exec sleep 600
```

```console
$ cat {log}
$ {last}
```
"""


def test_a_server_runs_until_the_end_of_its_page(tmp_path: Path) -> None:
    readme, log = tmp_path / "README.md", tmp_path / "log"
    text = SERVER.format(address="localhost:1", log=log, last=f"kill -0 $(cut -d' ' -f2 {log})")
    readme.write_text(text, encoding="utf-8")
    done = runner(readme)
    assert done.returncode == 0, done.stderr
    word, running = log.read_text(encoding="utf-8").split()
    assert word == "started"
    assert not Path(f"/proc/{running}").exists()


def test_a_server_that_ends_without_an_address_fails_the_run(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("```console server\n$ echo no; exit 1\n```\n```console\n$ echo one\n```\n", encoding="utf-8")
    done = runner(readme)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["FAILED README.md:2: echo no; exit 1"]
