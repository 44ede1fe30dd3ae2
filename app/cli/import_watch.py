"""What a person sees of an import: where it is, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.cli.runtime import say, stderr_console

if TYPE_CHECKING:
    from app.ingest.report import ImportReport, RowIssue
    from app.ingest.transaction import Tell

QUIET_SECONDS = 2.0  # an import that is done by then says nothing on the way
SHOWN_WARNINGS = 20
TITLES = {
    "ways_read": ("读取道路", "ways read"), "ways_walkable": ("可步行道路", "ways walked on"),
    "nodes": ("节点", "nodes"), "edges": ("路段", "edges"), "length_km": ("总长 km", "length, km"),
    "steps_km": ("台阶 km", "steps, km"), "bridges_km": ("桥梁 km", "bridges, km"),
    "tunnels_km": ("隧道 km", "tunnels, km"),
    "without_frontage_km": ("无沿街住户 km", "nobody lives along, km"), "components": ("连通分量", "components"),
    "longest_component_share": ("最大分量占比", "share of the longest"), "missing_nodes": ("缺失节点", "missing nodes"),
    "closed_barriers": ("不可通行的障碍", "closed barriers"),
    "edges_before_clipping": ("裁剪前路段", "edges before clipping"),
    "one_way_on_foot_ways": ("对行人单向", "one-way on foot"), "people_read": ("读取人口", "people read"),
    "people_kept": ("保留人口", "people kept"), "people_outside": ("城市之外人口", "people outside of the city"),
    "cells": ("网格", "cells"), "rows_read": ("读取行", "rows read"), "resolution": ("H3 分辨率", "H3 resolution"),
    "rows_without_people": ("无人口的行", "rows without people"), "features_read": ("读取要素", "features read"),
    "areas": ("区划", "areas"), "area_km2": ("总面积 km²", "area, km²"), "repaired": ("已修复", "repaired"),
    "overlaps": ("重叠", "overlaps"), "overlap_km2": ("重叠面积 km²", "overlap, km²"), "holes": ("空隙", "holes"),
    "hole_km2": ("空隙面积 km²", "holes, km²"), "crs": ("坐标系", "coordinate system"),
    "type_community": ("社区型", "community"), "type_rural": ("乡村型", "rural"), "type_park": ("园区型", "park"),
    "type_institution": ("院校机构型", "school or institution"),
    "width": ("列数", "columns"), "height": ("行数", "lines"),
    "parts_per_pixel": ("每像元分为", "parts a pixel"), "nodata": ("无数据值", "value of no data"),
    "pixels_with_people": ("有人口的像元", "pixels with people"),
    "pixels_without_data": ("无数据的像元", "pixels without data"),
    "added": ("新增", "added"), "changed": ("更新", "changed"), "unchanged": ("不变", "unchanged"),
    "removed": ("删除", "removed"),
}  # fmt: skip


@contextmanager
def watched(file: Path) -> Iterator[Tell]:
    """Progress on standard error: a moving line on a terminal; elsewhere a line per step, after two seconds."""
    console = stderr_console()
    if not console.is_terminal:
        started = time.monotonic()

        def tell_line(message_zh: str, message_en: str) -> None:
            if time.monotonic() - started > QUIET_SECONDS:
                say(message_zh, message_en)

        yield tell_line
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(escape(file.name), total=None)

        def tell_bar(message_zh: str, message_en: str) -> None:
            progress.update(task, description=f"{escape(file.name)}: {message_zh} · {message_en}")

        yield tell_bar


def print_report(report: ImportReport) -> None:
    """Figures as a table to standard output, then notes and warnings, then what has happened."""
    from app.ingest.report import Severity

    console = Console(highlight=False, soft_wrap=True)
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    ways = []
    for name, value in report.figures.items():
        if name.startswith("ways_") and name not in TITLES:
            ways.append(f"{name.removeprefix('ways_')} {number(value)}")
        else:
            table.add_row(title(name), number(value))
    console.print(f"{report.file}  sha256 {report.sha256[:12]}…", markup=False)
    console.print(table)
    if ways:
        console.print(f"道路等级 highway: {', '.join(ways)}", markup=False)
    for message_zh, message_en in report.notes:
        console.print(f"• {message_zh} {message_en}", markup=False)
    warnings = report.of(Severity.WARNING)
    for issue in warnings[:SHOWN_WARNINGS]:
        console.print(f"! {warning_text(issue)}", markup=False)
    more = report.issue_counts[Severity.WARNING] - min(len(warnings), SHOWN_WARNINGS)
    if more > 0:
        console.print(f"! 另有 {more} 条提醒(--json 列出) · {more} more warnings (--json lists them)", markup=False)
    console.print(outcome(report), markup=False)


def outcome(report: ImportReport) -> str:
    """One line: what the database holds now that it did not before."""
    counts = ", ".join(f"{title(name)} {number(value)}" for name, value in report.loaded.items())
    if not report.changed:
        return f"✓ 数据已是最新,未作改动 · Already loaded: nothing changed. {counts}"
    if report.dry_run:
        return f"✓ 检查通过,未写入(--dry-run) · Everything is fine; nothing was written (dry run). {counts}"
    return f"✓ 已导入为数据集 {report.dataset_id} · Imported as dataset {report.dataset_id}. {counts}"


def warning_text(issue: RowIssue) -> str:
    value = "" if issue.value is None else f" = {issue.value}"
    return f"{issue.where}{value}: {issue.message_zh} · {issue.message_en}"


def title(name: str) -> str:
    zh, en = TITLES.get(name, (name, ""))
    return f"{zh} {en}".strip()


def number(value: object) -> str:
    """With separators; fractions as they are, up to six digits."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
