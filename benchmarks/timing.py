"""Timing by the clock: medians of several runs, in milliseconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def measure(action: Callable[[], Any], *, runs: int = 9, warmup: int = 1) -> dict[str, float]:
    """Run an action; median, shortest and longest time in ms."""
    for _ in range(warmup):
        action()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1e3)
    return summary(times)


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


def versus(ours: dict[str, float], peer: dict[str, float], name: str, limit_ms: float | None = None) -> dict[str, Any]:
    """A figure beside its peer's: the ratio says how many times as long the peer takes."""
    figure: dict[str, Any] = {**ours, "peer": name, "peer_median_ms": peer["median_ms"]}
    figure["peer_takes_times_as_long"] = round(peer["median_ms"] / ours["median_ms"], 2)
    return within(figure, limit_ms)


def within(figure: dict[str, Any], limit_ms: float | None) -> dict[str, Any]:
    """A figure with the limit that was promised and whether its median keeps it."""
    if limit_ms is not None:
        figure["promised_ms"] = limit_ms
        figure["kept"] = figure["median_ms"] <= limit_ms
    return figure
