"""Timing by the clock: medians of several runs, in milliseconds; what is compared is run in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

Action = Callable[[], Any]


def measure(action: Action, *, runs: int = 9, warmup: int = 1) -> dict[str, float]:
    """Run an action; median, shortest and longest time in ms."""
    return in_turn({"it": action}, runs=runs, warmup=warmup)["it"]


def in_turn(actions: dict[str, Action], *, runs: int = 9, warmup: int = 1) -> dict[str, dict[str, float]]:
    """Run several actions one after the other, again and again, so that what disturbs one disturbs all."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for action in actions.values():
        for _ in range(warmup):
            action()
    for _ in range(runs):
        for name, action in actions.items():
            started = time.perf_counter()
            action()
            times[name].append((time.perf_counter() - started) * 1e3)
    return {name: summary(taken) for name, taken in times.items()}


def summary(times_ms: list[float]) -> dict[str, float]:
    """Median, shortest, longest and 99th percentile of times."""
    ranked = sorted(times_ms)
    return {
        "median_ms": round(statistics.median(ranked), 4),
        "min_ms": round(ranked[0], 4),
        "max_ms": round(ranked[-1], 4),
        "p99_ms": round(ranked[min(len(ranked) - 1, int(0.99 * len(ranked)))], 4),
        "runs": len(ranked),
    }


def versus(
    ours: dict[str, float],
    peer: dict[str, float],
    name: str,
    limit_ms: float | None = None,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> dict[str, Any]:
    """A figure beside its peer's: how many times as long the peer takes, and how often it should, at least.

    ``at_most``: how many times the peer's time ours may be.
    """
    figure: dict[str, Any] = {**ours, "peer": name, "peer_median_ms": peer["median_ms"]}
    ratio = peer["median_ms"] / ours["median_ms"]
    figure["peer_takes_times_as_long"] = round(ratio, 2)
    if at_least is not None:
        figure.update(promised_ratio=at_least, kept=ratio >= at_least)
    if at_most is not None:
        figure.update(promised_share_of_peer=at_most, kept=1 / ratio <= at_most)
    return within(figure, limit_ms)


def within(figure: dict[str, Any], limit_ms: float | None) -> dict[str, Any]:
    """A figure with the limit that was promised and whether its median keeps it."""
    if limit_ms is not None:
        figure["promised_ms"] = limit_ms
        figure["kept"] = figure.get("kept", True) and figure["median_ms"] <= limit_ms
    return figure
