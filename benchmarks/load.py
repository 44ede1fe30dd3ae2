"""One call of the running service under load, beside a constant of the same framework: who answers how many a second.

wrk drives both in turn, each with 16 connections, the constant served by the same server with the same settings on
another port. The machine's cores are shared by server and wrk, as they are in the figures that were promised.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.cli.addresses import choose_port

CONNECTIONS, THREADS = 16, 2
ROUNDS, SECONDS, WARM_SECONDS = 5, 4, 1
LEAST_SHARE, MOST_P50_MS, MOST_P99_MS = 0.70, 3.0, 10.0  # promised
MISSING = "wrk is not installed: apt-get install wrk"
CONSTANT = """
import sys
import uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def hello():
    return {"hello": "world"}
uvicorn.run(
    app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False,
    server_header=False, log_level="warning",
)
"""
SCRIPT = """
local requests, k = {}, 0
function init(args)
  for line in io.lines(args[1]) do requests[#requests + 1] = wrk.format("GET", line) end
  k = tonumber(tostring(requests):match("0x(%x+)"), 16) % #requests
end
function request()
  k = k % #requests + 1
  return requests[k]
end
"""
UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


def run(
    host: str, port: int, targets: Sequence[str], *, rounds: int = ROUNDS, seconds: int = SECONDS
) -> dict[str, Any] | str:
    """Requests a second and times of ``targets`` (paths with queries, asked in turn) and of the constant; medians.

    Where wrk is missing, how to install it.

    Raises RuntimeError when any answer was not 200, or a connection failed.
    """
    if shutil.which("wrk") is None:
        return MISSING
    with tempfile.TemporaryDirectory() as folder, _constant() as constant_port:
        script, lines = Path(folder) / "targets.lua", Path(folder) / "targets.txt"
        script.write_text(SCRIPT)
        lines.write_text("".join(f"{target}\n" for target in targets))
        ours = [f"http://{host}:{port}", "-s", str(script)], ["--", str(lines)]
        constant: tuple[list[str], list[str]] = [f"http://127.0.0.1:{constant_port}/"], []
        for before, after in (ours, constant):
            _wrk(before, after, WARM_SECONDS)
        turns = [(_wrk(*ours, seconds), _wrk(*constant, seconds)) for _ in range(rounds)]
    return figure([turn[0] for turn in turns], [turn[1] for turn in turns])


def figure(ours: Sequence[dict[str, float]], constant: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Medians over the rounds; the share is the median of the rounds' own shares, since a machine's pace drifts."""
    share = statistics.median(a["per_second"] / b["per_second"] for a, b in zip(ours, constant, strict=True))
    p50_ms, p99_ms = (statistics.median(a[name] for a in ours) for name in ("median_ms", "p99_ms"))
    return {
        **{name: round(statistics.median(a[name] for a in ours), 3) for name in ours[0]},
        "peer": "FastAPI, a constant",
        **{f"peer_{name}": round(statistics.median(b[name] for b in constant), 3) for name in constant[0]},
        "peer_takes_times_as_long": round(
            statistics.median(b["median_ms"] for b in constant) / statistics.median(a["median_ms"] for a in ours), 2
        ),
        "share_of_peer": round(share, 3),
        "promised_share": LEAST_SHARE,
        "promised_p50_ms": MOST_P50_MS,
        "promised_p99_ms": MOST_P99_MS,
        "kept": share >= LEAST_SHARE and p50_ms <= MOST_P50_MS and p99_ms <= MOST_P99_MS,
        "connections": CONNECTIONS,
        "rounds": len(ours),
    }


def read(text: str) -> dict[str, float]:
    """The figures in what wrk prints. Raises RuntimeError for answers other than 2xx and 3xx, and for lost sockets."""
    for sign in ("Non-2xx or 3xx responses", "Socket errors"):
        if sign in text:
            raise RuntimeError(f"under load: {text[text.index(sign) :].splitlines()[0]}")
    per_second = re.search(r"^Requests/sec:\s+([\d.]+)", text, re.MULTILINE)
    if per_second is None:
        raise RuntimeError(f"wrk said: {text[:500]}")
    figures = {"per_second": float(per_second[1])}
    for name, share in (("median_ms", "50%"), ("p99_ms", "99%")):
        value = re.search(rf"^\s+{share}\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
        if value is None:
            raise RuntimeError(f"wrk said: {text[:500]}")
        figures[name] = float(value[1]) * UNITS_MS[value[2]]
    return figures


def _wrk(before: Sequence[str], after: Sequence[str], seconds: int) -> dict[str, float]:
    load = [f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    done = subprocess.run(["wrk", *load, *before[1:], before[0], *after], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk ended with {done.returncode}: {done.stderr[:500]}{done.stdout[:500]}")
    return read(done.stdout)


@contextmanager
def _constant() -> Iterator[int]:
    """The port of a service that does nothing."""
    port = choose_port("127.0.0.1", 0)
    process = subprocess.Popen([sys.executable, "-c", CONSTANT, str(port)])
    try:
        for _ in range(200):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                    if answer.status == 200:
                        break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)
