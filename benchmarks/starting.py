"""``up`` from nothing, ``up`` again, and a worker from the files of the snapshot, each as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from app.cli.addresses import choose_port
from app.cli.service import Service
from app.settings import PROJECT_ROOT
from benchmarks.timing import within

WARM_SECONDS = 8.0  # a worker goes through every kind of question after its start

WORKER = """
import time
started = time.perf_counter()
import app.main
from app.db.engine import make_engine
from app.services.snapshot_holder import SnapshotHolder
from app.settings import home_settings
import os
holder = SnapshotHolder(make_engine(os.environ["DATABASE_URL"]), home_settings())
holder.refresh()
holder.current()
elapsed = (time.perf_counter() - started) * 1e3
# not getrusage: its peak is inherited from the process that started this one
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(elapsed, int(peak.split()[1]) / 1024)
"""


def up_twice() -> dict[str, Any]:
    """Seconds until ``ready`` in a new home (packages are there already), and again in the same home."""
    with tempfile.TemporaryDirectory(prefix="skillsmap-bench-") as folder:
        environment = {**os.environ, "SKILLSMAP_HOME": str(Path(folder) / "home")}
        environment.pop("DATABASE_URL", None)
        environment.pop("NUMBA_CACHE_DIR", None)  # kernels are compiled anew as well
        first, second = (_until_ready(environment) for _ in range(2))
    return {
        "up_first": within({"median_ms": first, "runs": 1}, 120_000.0),
        "up_again": within({"median_ms": second, "runs": 1}, 10_000.0),
    }


def worker_ready(database_url: str) -> dict[str, Any]:
    """A worker's own time from its first import to the snapshot in its hands (after one run to warm the disk)."""
    times, megabytes = [], 0.0
    for _ in range(4):
        done = subprocess.run(
            [sys.executable, "-c", WORKER],
            cwd=PROJECT_ROOT,
            env={**os.environ, "DATABASE_URL": database_url},
            capture_output=True,
            text=True,
            check=True,
        )
        took, megabytes = (float(word) for word in done.stdout.split())
        times.append(took)
    median = sorted(times[1:])[1]
    return within({"median_ms": round(median, 1), "runs": 3, "peak_mib": round(megabytes)}, 2_000.0)


def _until_ready(environment: dict[str, str]) -> float:
    started = time.perf_counter()
    command = [sys.executable, "-m", "app.cli", "up", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ready: "):
                return round((time.perf_counter() - started) * 1e3)
        raise RuntimeError(f"up ended with {process.wait()} before it was ready")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def memory(database_url: str, log: Path, targets: list[str]) -> dict[str, Any]:
    """MiB of the workers of a service with two, after each has answered every kind of question.

    ``worker_mib`` is the larger worker's resident memory, shared pages and mapped files included; ``own_mib`` is what
    each has for itself alone, and so what a second one adds. ``one_worker_service_mib`` and ``two_worker_service_mib``
    are the proportional set sizes of all processes together, supervisor and fork server included.
    """
    all_of = []
    for workers in (1, 2):
        port = choose_port("127.0.0.1", 0)
        with Service("127.0.0.1", port, workers, database_url, log) as service:
            service.wait_until_ready(lambda: None)
            time.sleep(WARM_SECONDS)
            for target in targets:  # a new connection each, so that both workers get their share
                with urlopen(f"http://127.0.0.1:{port}{target}", timeout=60) as answer:
                    answer.read()
            pids = _descendants(service.pid)
            all_of.append(sum(_mib(pid, "Pss") for pid in pids))
            serving = sorted(pids, key=lambda pid: _mib(pid, "Rss"))[-workers:]
            resident = [_mib(pid, "Rss") for pid in serving]
            own = [_mib(pid, "Private_Clean") + _mib(pid, "Private_Dirty") for pid in serving]
    return {
        "worker_mib": round(max(resident)),
        "worker_promised_mib": 500,
        "own_mib": [round(mib) for mib in own],
        "second_worker_promised_mib": 150,
        "one_worker_service_mib": round(all_of[0]),
        "two_worker_service_mib": round(all_of[1]),
        "kept": max(resident) <= 500 and max(own) < 150,
    }


def _descendants(pid: int) -> list[int]:
    """A process and all that came of it."""
    children = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[1]) == pid:
            children.append(int(stat.parent.name))
    return [pid, *(found for child in children for found in _descendants(child))]


def _mib(pid: int, what: str) -> float:
    """A line of ``smaps_rollup`` of a process, such as ``Rss`` or ``Pss``."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/{pid}/smaps_rollup has no {what}")
