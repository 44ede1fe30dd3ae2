"""What a person reads when something fails, and the exit code."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from app.cli import faults
from app.errors import ErrorItem, ImportFailed


def test_a_domain_error_names_field_value_and_remedy_chinese_first(capsys: pytest.CaptureFixture[str]) -> None:
    item = ErrorItem("第 7 行 lng", "不是数字", "not a number", "abc", "改正该单元格", "correct the cell")
    assert faults.report(ImportFailed("有 1 处错误", "1 fault", errors=[item])) == 1
    said = capsys.readouterr()
    assert said.out == ""
    for part in ("import_failed", "第 7 行 lng = abc", "不是数字", "not a number", "改正该单元格", "correct the cell"):
        assert part in said.err
    assert said.err.index("有 1 处错误") < said.err.index("1 fault")


def test_square_brackets_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    faults.report(ImportFailed("[bold]", "[/bold] [red"))
    assert "[bold]" in capsys.readouterr().err


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    assert faults.report(KeyboardInterrupt()) == 130
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, "No space left on device", "x"),
        OperationalError("INSERT", {}, psycopg.errors.DiskFull("could not extend file")),
    ],
)
def test_a_full_disk_is_said_plainly(fault: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise RuntimeError("while loading") from fault
    except RuntimeError as raised:
        assert faults.report(raised) == 1
    said = capsys.readouterr().err
    assert "磁盘空间已满" in said and "disk is full" in said
    assert "RuntimeError" not in said


def test_a_lost_connection(capsys: pytest.CaptureFixture[str]) -> None:
    lost = OperationalError("SELECT 1", {}, psycopg.OperationalError("server closed the connection unexpectedly\n\tx"))
    assert faults.report(lost) == 1
    assert "rolled back" in capsys.readouterr().err


def test_a_connection_lost_on_a_full_disk_is_a_full_disk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    monkeypatch.setattr(faults.shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    assert faults.report(OperationalError("COPY", {}, psycopg.OperationalError("the connection is lost"))) == 1
    assert "磁盘空间已满" in capsys.readouterr().err


def test_the_unexpected_goes_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SKILLSMAP_HOME", str(tmp_path))
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError as raised:
        assert faults.report(raised) == 1
    said = capsys.readouterr().err
    log = tmp_path / "logs" / "errors.log"
    assert str(log) in said and "Traceback" not in said
    assert "Traceback" in log.read_text() and "division by zero" in log.read_text()
