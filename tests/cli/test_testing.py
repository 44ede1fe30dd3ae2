"""``./skillsmap test``: which steps, and what their failures mean."""

from __future__ import annotations

import sys

import pytest
from typer.testing import CliRunner

from app.cli import testing
from app.cli.main import app


def test_the_steps_in_their_order() -> None:
    steps = testing.steps(["-k", "x", "tests/db"], all_tests=False)
    assert [name for name, _ in steps] == ["ruff", "mypy", "import-linter", "pytest"]
    assert steps[-1][1] == [sys.executable, "-m", "pytest", "-k", "x", "tests/db"]
    assert testing.steps([], all_tests=True)[-1][1][3:5] == ["-m", ""]


@pytest.mark.parametrize(("codes", "expected"), [([0, 0], 0), ([3, 0], 1), ([0, 5], 1)])
def test_any_failure_fails_the_whole_and_all_steps_run(
    codes: list[int], expected: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    given: list[tuple[list[str], bool]] = []

    def steps(arguments: list[str], *, all_tests: bool) -> list[tuple[str, list[str]]]:
        given.append((arguments, all_tests))
        return [(f"step{n}", [sys.executable, "-c", f"exit({code})"]) for n, code in enumerate(codes)]

    monkeypatch.setattr(testing, "steps", steps)
    done = CliRunner().invoke(app, ["test", "--all", "-x", "tests/db"])
    assert done.exit_code == expected
    assert given == [(["-x", "tests/db"], True)]
    assert "step1" in done.stderr + capfd.readouterr().err
