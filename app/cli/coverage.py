"""``skillsmap coverage``: figures at the command line, kept as runs."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.runtime import database_engine, home_folder, say

if TYPE_CHECKING:
    from app.services.run_checks import Check, Difference
    from app.services.runs import StoredRun

PIPED_COLUMNS = 160
SHOWN = 20  # differences of a kind; --json has all of them
NOT_EQUAL = 1

coverage_app = typer.Typer(no_args_is_help=True, help="覆盖分析 · Coverage.")


@coverage_app.callback()
def coverage() -> None:
    """覆盖分析 · Coverage."""


@coverage_app.command("run")
def run(
    minutes: Annotated[float, typer.Option(help="步行分钟(含) · Minutes on foot, inclusive.")] = 15.0,
    profile: Annotated[str, typer.Option(help="步行方式 · Profile: adult, senior, wheelchair, gb50180.")] = "adult",
    speed_kmh: Annotated[float | None, typer.Option(help="另定速度(公里/小时) · Another speed in km/h.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="按哪一天的站点(默认今天) · Stations open on that day."),
    ] = None,
    known_at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S.%f%z"],
            help="按当时所知的站点,带时区,如 2026-10-08T00:00:00+08:00 · Stations as was known then, with its zone.",
        ),
    ] = None,
    station_type: Annotated[
        list[str] | None, typer.Option(help="只计这些类型 · Only these types: community, rural, park, institution.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · Print JSON.")] = False,
) -> None:
    """计算覆盖并保存为一次运行 · Compute coverage and keep it as a run; the same inputs give the same run."""
    from app.db.engine import session_scope
    from app.services.coverage import CoverageQuery
    from app.services.moments import check_known_at
    from app.services.profiles import resolve_profile
    from app.services.runs import store_run
    from app.services.snapshot import ensure_snapshot
    from app.services.snapshot_at import imported_since, snapshot_at
    from app.services.station_table import read_types, today
    from app.settings import home_settings

    home_folder()
    query = CoverageQuery(
        profile=resolve_profile(profile, speed_kmh),
        day=as_of.date() if as_of else today(),
        minutes=minutes,
        types=read_types(station_type or []),
        known_at=known_at,
    )
    with database_engine() as engine:
        say("正在准备数据…", "preparing the data…")
        check_known_at(engine, known_at)
        snapshot = snapshot_at(engine, ensure_snapshot(engine, home_settings()), query.day, known_at)
        started = time.perf_counter()
        with session_scope(engine) as session:
            stored = store_run(session, snapshot, query)
        seconds = time.perf_counter() - started
    late = imported_since(snapshot, known_at)
    if as_json:
        told = {
            **_as_json(stored, query.parameters(snapshot)),
            "known_at": known_at.isoformat() if known_at else None,
            "imported_since": late,
        }
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    _print(stored)
    state = "已保存 · stored" if stored.is_new else "与已保存的相同 · the same as stored before"
    typer.echo(f"run {stored.id}: {state}; {stored.cells} cells, {seconds:.2f} s")
    if late:
        say(f"注意:该时点之后导入过 {'、'.join(late)}", f"note: imported after that moment: {', '.join(late)}")
    if any(d.synthetic for d in snapshot.stations.datasets):
        say("注意:结果含合成数据,不代表真实情况", "note: computed from synthetic data, not a real situation")


@coverage_app.command("verify")
def verify(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="运行编号 · The run's id.")],
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · Print JSON.")] = False,
) -> None:
    """重新计算一次运行并逐行核对;一致为 0,否则为 1 · Compute a run again and compare it; exit 0 if equal, else 1."""
    from app.services.run_checks import CheckVerdict, check_run
    from app.settings import home_settings

    home_folder()
    with database_engine() as engine:
        say("正在准备数据…", "preparing the data…")
        check = check_run(engine, home_settings(), run_id)
    typer.echo(json.dumps(_check_json(check), ensure_ascii=False, indent=1) if as_json else _check_text(check))
    if check.verdict is not CheckVerdict.EQUAL:
        raise typer.Exit(NOT_EQUAL)


def _check_json(check: Check) -> dict[str, object]:
    return {
        "run_id": check.run_id,
        "verdict": check.verdict.value,
        "changed": check.changed,
        "changed_since": check.since,
        "stations_known_at": check.stations_known_at.isoformat() if check.stations_known_at else None,
        "areas": check.areas,
        "cells": check.cells,
        "differences": {
            "record": [vars(one) for one in check.record],
            "areas": [vars(one) for one in check.area_differences],
            "cells": [vars(one) for one in check.cell_differences],
        },
        "software": {"then": check.software_then, "now": check.software_now},
    }


def _check_text(check: Check) -> str:
    said = {
        "equal": "一致 · equal: the same inputs give the same figures",
        "differs": "不一致 · differs: the same inputs do not give what is kept",
        "inputs_changed": "输入已变,无法核对 · the inputs have changed, so it cannot be checked",
    }
    lines = [f"run {check.run_id}: {said[check.verdict.value]}; {check.areas} areas, {check.cells} cells"]
    if check.changed:
        lines.append(f"  已变 · changed: {', '.join(check.changed)}")
    if check.since:
        lines.append(f"  此后已变,按历史还原 · changed since, taken from its history: {', '.join(check.since)}")
    if check.verdict.value == "differs":
        for name, differences in (
            ("记录 record", check.record), ("区划 areas", check.area_differences), ("格 cells", check.cell_differences),
        ):  # fmt: skip
            lines += _difference_lines(name, differences)
    other = sorted(
        name for name, version in (check.software_then or {}).items() if check.software_now.get(name) != version
    )
    if other:
        lines.append(f"  软件版本不同 · other versions: {', '.join(other)}")
    return "\n".join(lines)


def _difference_lines(name: str, differences: list[Difference]) -> list[str]:
    if not differences:
        return []
    rows = len({one.row for one in differences})
    lines = [f"  {name}: {rows} 行不同 · rows differ"]
    lines += [
        f"    {one.row} {one.figure}: 保存 kept {one.kept}, 算得 computed {one.computed}" for one in differences[:SHOWN]
    ]
    return [*lines, f"    … {len(differences) - SHOWN}"] if len(differences) > SHOWN else lines


def _as_json(stored: StoredRun, parameters: dict[str, object]) -> dict[str, object]:
    return {
        "run_id": stored.id,
        "is_new": stored.is_new,
        "parameters": parameters,
        "results_sha256": stored.results_sha256,
        "cells": stored.cells,
        "areas": [
            {
                "code": r.area.code, "level": r.area.level.value, "name": r.area.name, "population": r.population,
                "covered": r.covered, "uncovered": r.uncovered, "off_network": r.off_network, "rate": r.rate,
                "median_walk_minutes": r.median_walk_minutes, "stations": r.stations,
            }
            for r in stored.rows
        ],
    }  # fmt: skip


def _print(stored: StoredRun) -> None:
    """City and districts as a table; towns are many and stand in the run."""
    from rich.console import Console
    from rich.table import Table

    from app.models.vocabularies import AreaLevel

    table = Table(
        "代码 code",
        "名称 name",
        "人口 people",
        "已覆盖 covered",
        "未覆盖 uncovered",
        "网外 off",
        "率 rate",
        "中位 median",
        "站 stations",
    )
    for column in table.columns[2:]:
        column.justify = "right"
    shown = [r for r in stored.rows if r.area.level is not AreaLevel.TOWN] or stored.rows
    for r in shown:
        rate = "–" if r.rate is None else f"{r.rate:.1%}"
        median = "–" if r.median_walk_minutes is None else f"{r.median_walk_minutes:.1f}"
        table.add_row(
            r.area.code, r.area.name, f"{r.population:,}", f"{r.covered:,}", f"{r.uncovered:,}", f"{r.off_network:,}",
            rate, median, str(r.stations),
        )  # fmt: skip
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_COLUMNS  # figures in a file or a pipe are never cut off
    console.print(table)
