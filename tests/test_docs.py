"""What the documents say is so: commands, options, settings, links."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from pydantic.fields import FieldInfo

from deploy.cli import carbonwatch
from energy.settings import Settings
from tests.source import ROOT
from tests.system import COMMAND, System, plain_environment

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```console *(?P<marks>[^\n]*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")


@dataclass(frozen=True, slots=True)
class Line:
    """One command line of a page's console block: its words without leading variables; `run` where it is marked."""

    page: str
    words: tuple[str, ...]
    run: bool

    def __str__(self) -> str:
        return f"{self.page}: {shlex.join(self.words)}"


def lines(page: Path) -> Iterator[Line]:
    """Every `$ command` of a page's console blocks; a line that ends in a backslash goes on in the next."""
    for block in BLOCK.finditer(page.read_text("utf-8")):
        for said in block["body"].replace("\\\n", " ").splitlines():
            if said.startswith("$ "):
                words = shlex.split(said[2:], comments=True)
                while words and re.match(r"[A-Z_]+=", words[0]):
                    del words[0]
                yield Line(page.name, tuple(words), "run" in block["marks"].split())


LINES = [line for page in PAGES for line in lines(page)]
OURS = [line for line in LINES if line.words[0] == "carbonwatch"]
RUN = [line for line in OURS if line.run or line.words[-1] == "--help"]


def below(group: click.Group) -> dict[str, click.Command]:
    """A group's commands, also where it loads them only when asked."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None and not command.hidden}


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, with the words that call it."""
    for name, command in below(group).items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(commands(carbonwatch, "carbonwatch"))


def check_usage(words: tuple[str, ...]) -> None:
    """AssertionError unless the words call a command of ours with options that it has."""
    found: click.Command = carbonwatch
    rest = list(words[1:])
    while isinstance(found, click.Group) and rest and not rest[0].startswith("-"):
        assert rest[0] in below(found), f"no such command: {shlex.join(words)}"
        found = below(found)[rest.pop(0)]
    known = {"--help"} | {name for option in found.params for name in (*option.opts, *option.secondary_opts)}
    unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    assert not unknown, f"{shlex.join(words)}: it has no option {', '.join(unknown)}"


def examples(command: click.Command, name: str) -> list[tuple[str, ...]]:
    """The example calls in a command's help."""
    text = f"{command.help or ''}\n{command.epilog or ''}".replace("\\\n", " ")
    return [tuple(shlex.split(call)) for call in re.findall(rf"{re.escape(name)}(?![\w-])[^\n`]*", text)]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_has_an_example_that_is_valid(name: str) -> None:
    found = examples(COMMANDS[name], name)
    assert found, f"the help of `{name}` shows no call of it"
    for words in found:
        check_usage(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_stands_in_the_documents(name: str) -> None:
    assert any(re.search(rf"{re.escape(name)}\b", page.read_text("utf-8")) for page in PAGES)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_is_printed_with_its_options(name: str) -> None:
    done = subprocess.run([COMMAND, *name.split()[1:], "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage: " in done.stdout
    for option in COMMANDS[name].params:
        if isinstance(option, click.Option) and not option.hidden:
            assert option.opts[0] in done.stdout


@pytest.mark.parametrize("line", OURS, ids=str)
def test_a_command_line_of_the_documents_is_valid(line: Line) -> None:
    check_usage(line.words)


@pytest.mark.parametrize("line", [line for line in LINES if line.words[0].startswith("scripts/")], ids=str)
def test_a_script_of_the_documents_is_there(line: Line) -> None:
    script = ROOT / line.words[0]
    assert script.is_file()
    assert script.stat().st_mode & 0o111
    if script.name == "run":
        check_usage(("carbonwatch", "up", *line.words[1:]))


@pytest.mark.parametrize("line", RUN, ids=str)
def test_a_command_line_that_is_marked_runs(line: Line, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Run where a running system's data directory is `./data`; help needs none."""
    folder = tmp_path
    if line.words[-1] != "--help":
        system: System = request.getfixturevalue("system")
        folder = system.data.parent
    done = subprocess.run(
        [COMMAND, *line.words[1:]], cwd=folder, env=plain_environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "field"), Settings.model_fields.items())
def test_a_setting_stands_in_the_documents_with_its_default(name: str, field: FieldInfo) -> None:
    rows = [row for page in PAGES for row in page.read_text("utf-8").splitlines() if row.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    default = "none" if field.default is None else f"`{field.default}`"
    assert f"| {default} |" in rows[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    gone = [target for target in LINK.findall(page.read_text("utf-8")) if not (page.parent / target).exists()]
    assert not gone
