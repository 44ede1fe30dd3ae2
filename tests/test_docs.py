"""What the documentation says is there is there, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings
from typer.main import get_command

from app import settings
from app.cli.main import app as cli
from app.errors import DomainError
from app.settings import PROJECT_ROOT

OPERATIONS = (PROJECT_ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PAGES = sorted([*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "docs").rglob("*.md")])
# read by the launcher, compose.yaml or a command's own option
OTHER_VARIABLES = {"SKILLSMAP_DEMO", "SKILLSMAP_PORT", "SKILLSMAP_BIND"}


def variables() -> dict[str, object]:
    """Environment variable -> default, of all settings."""
    found: dict[str, object] = {}
    for kind in vars(settings).values():
        if isinstance(kind, type) and issubclass(kind, BaseSettings) and kind is not BaseSettings:
            prefix = str(kind.model_config.get("env_prefix", ""))
            found |= {f"{prefix}{name}".upper(): field.default for name, field in kind.model_fields.items()}
    return found


def is_group(command: Any) -> bool:
    return hasattr(command, "commands")


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every visible command with its path."""
    if is_group(group):
        for name, command in group.commands.items():
            if not command.hidden:
                yield from commands(command, f"{path} {name}".strip())
    if path:
        yield path, group


def test_every_setting_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", OPERATIONS, re.MULTILINE))
    assert set(rows) == set(variables()) | {"SKILLSMAP_DEMO"}
    for name, default in variables().items():
        if isinstance(default, float | int | str):
            shown = f"{default:g}" if isinstance(default, float | int) else default
            assert rows[name].strip() == shown, name


def test_no_page_names_a_variable_that_is_not_read() -> None:
    for page in PAGES:
        named = set(re.findall(r"\bSKILLSMAP_[A-Z_]+\b", page.read_text(encoding="utf-8")))
        assert named <= set(variables()) | OTHER_VARIABLES, page.name


def test_every_command_and_option_in_the_pages_exists() -> None:
    known = dict(commands(get_command(cli)))
    names = sorted(known, key=len, reverse=True)
    checked = 0
    for page in PAGES:
        for line in re.findall(r"\./skillsmap ([a-z][^`\n]*)", page.read_text(encoding="utf-8")):
            command = next((name for name in names if f"{line} ".startswith(f"{name} ")), None)
            if command is None:
                assert any(name.startswith(line.split()[0]) for name in names), f"{page.name}: ./skillsmap {line}"
                continue
            options = {option for parameter in known[command].params for option in parameter.opts}
            for option in re.findall(r"(?<!\S)--[a-z-]+", line):
                assert option in options or option == "--help" or command == "test", f"{page.name}: {line}"
                checked += 1
    assert checked > 5


def test_every_command_has_a_line_in_operations() -> None:
    for name, command in commands(get_command(cli)):
        if not is_group(command):
            words = name.split()
            assert f"./skillsmap {words[0]}" in OPERATIONS, name
            assert words[-1] in OPERATIONS, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_error_tree_is_drawn_whole() -> None:
    import app.errors

    def below(kind: type[DomainError]) -> Iterator[type[DomainError]]:
        for child in kind.__subclasses__():
            if child.__module__ == "app.errors":
                yield child
                yield from below(child)

    drawing = app.errors.__doc__ or ""
    for kind in below(DomainError):
        assert kind.__name__ in drawing
        assert kind.code in vars(kind).values(), f"{kind.__name__} has a code of its own"


def test_the_method_page_is_of_this_version() -> None:
    from app.geo.coverage import METHOD_VERSION

    assert f"Method version **{METHOD_VERSION}**" in (PROJECT_ROOT / "docs" / "method.md").read_text(encoding="utf-8")
