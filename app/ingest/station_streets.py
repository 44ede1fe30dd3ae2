"""Can anybody walk to the stations of a ledger? Streets that lead nowhere are told of, and nothing is moved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.ingest.report import ImportReport
from app.services.islands import passes_over
from app.services.loading import NewStation
from app.services.streets import Streets

REMEDY = ("核对位置与当地的路网", "check the position, and the streets there")


def check_streets(stations: Sequence[tuple[int, NewStation]], streets: Streets | None, report: ImportReport) -> None:
    """Warn of every station (with its row) to which no street leads, or that passes over a nearer one."""
    if streets is None:
        report.note(
            "数据库中没有路网,未检查能否步行到达站点。",
            "No streets are loaded: whether one can walk to the stations was not checked.",
        )
        return
    lng = np.array([station.lng for _, station in stations])
    lat = np.array([station.lat for _, station in stations])
    limit_m = f"{streets.method.snap_limit_m:g}"
    everywhere, step_free = (streets.attached(lng, lat, step_free=variant) for variant in (False, True))
    for (row, station), feet, wheels in zip(stations, everywhere, step_free, strict=True):
        if not feet.on_network:
            beside_zh, beside_en = "", ""
            if feet.island_m is not None:
                beside_zh = f",只有 {feet.island_m:.0f} 米外一段不与路网相连的道路"
                beside_en = f", only one that is joined to no other, {feet.island_m:.0f} m away"
            told = (
                f"{limit_m} 米内没有可步行的道路{beside_zh}:无人能步行到达",
                f"there is no walkable street within {limit_m} m{beside_en}: nobody can walk there",
            )
        elif passes_over(feet.snap_m, feet.island_m):
            told = (
                f"{feet.island_m:.0f} 米外的道路不与路网相连,将连到 {feet.snap_m:.0f} 米外的道路",
                f"the street {feet.island_m:.0f} m away is joined to no other: it is attached to one "
                f"{feet.snap_m:.0f} m away",
            )
        elif not wheels.on_network:
            told = (
                f"{limit_m} 米内没有不经台阶可到的道路:轮椅无法到达",
                f"no street within {limit_m} m can be reached without steps: no wheelchair gets there",
            )
        else:
            continue
        report.warn(*told, row=row, field="code", value=station.code, remedy=REMEDY)
