"""The figures as the tables of docs/method.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

CITIES = {"helsinki": "Helsinki", "porto_alegre": "Porto Alegre"}


def as_text(figures: dict[str, Any]) -> str:
    """Markdown: a heading and a table for each peer."""
    parts = [_scipy(figures), _rounding(figures), _r5(figures), _pandana(figures), _plain(figures), _coverage(figures)]
    return "\n\n".join(parts)


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return "\n".join([f"{title}\n", *lines])


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _scipy(figures: dict[str, Any]) -> str:
    return _table(
        "scipy's Dijkstra, all origins to all nodes",
        ["city", "nodes", "origins", "lengths", "largest difference (mm)", "longest (km)"],
        [
            [
                CITIES[city], found["nodes"], found["origins"], found["lengths_compared"],
                found["largest_difference_mm"], found["longest_walk_km"],
            ]
            for city, found in figures["scipy"].items()
        ],
    )  # fmt: skip


def _rounding(figures: dict[str, Any]) -> str:
    found = figures["rounding"]
    return _table(
        "rounding to whole millimetres, Porto Alegre",
        ["walks up to an hour", "edges, at most", "off along the walk (mm)", "off the shortest (mm)", "bound (mm)"],
        [[found[k] for k in ("ways", "most_edges", "along_ways_mm", "of_shortest_mm", "bound_mm")]],
    )


def _r5(figures: dict[str, Any]) -> str:
    names = ("pairs", "correlation", "mean_absolute_error", "median_difference", "p95_absolute_error")
    return _table(
        "Conveyal R5, Helsinki",
        ["R5 result", "pairs", "correlation", "mean absolute (min)", "median (min)", "95 % within (min)"],
        [[f"`{result}`", *(found[name] for name in names)] for result, found in figures["helsinki_r5"].items()],
    )


def _pandana(figures: dict[str, Any]) -> str:
    found = figures["pandana"]
    if isinstance(found, str):
        return found
    return _table(
        "pandana, Porto Alegre",
        ["nodes", "lengths", "short by, within an hour (mm)", "short by (mm)", "unequal, rounded", "people: off by"],
        [[
            found[name]
            for name in (
                "nodes", "lengths_compared", "cut_off_hour_mm", "cut_off_mm", "unequal_rounded", "people_around"
            )
        ]],
    )  # fmt: skip


def _plain(figures: dict[str, Any]) -> str:
    found = figures["plain_lengths"]
    names = ("walks", "within_1_m", "median_m", "p95_absolute_m", "p99_absolute_m")
    return _table(
        "the plain graph, Porto Alegre",
        ["walks up to an hour", "within 1 m", "median (m)", "95 % within (m)", "99 % within (m)"],
        [[found[name] for name in names]],
    )


def _coverage(figures: dict[str, Any]) -> str:
    found, pandana = figures["coverage"], figures["pandana"]
    rows = []
    for name, people in found.items():
        if isinstance(people, dict):
            share = {way: 100 * count / found["people"] for way, count in people.items()}
            theirs = None if isinstance(pandana, str) else 100 * pandana["covered"][name] / found["people"]
            rows.append(
                [
                    name.removesuffix("_min"), f"{share['ours']:.2f} %", f"{share['plain']:.2f} %",
                    f"{share['at_nodes']:.2f} %", "-" if theirs is None else f"{theirs:.2f} %",
                ]
            )  # fmt: skip
    return _table(
        f"people of Porto Alegre ({found['people']:,}) covered",
        ["minutes", "along streets", "plain", "at nodes", "at nodes, pandana"],
        rows,
    )
