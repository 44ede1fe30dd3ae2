"""``serve`` (the service in the foreground, for containers and supervisors) and ``prepare`` (what precedes it)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from app.cli.runtime import database_engine, home_folder, say, stderr_console

FAILED_STEP = 1

Host = Annotated[str, typer.Option("--host", help="监听地址 · Address to listen on.")]
Workers = Annotated[int, typer.Option("--workers", min=1, max=64, help="工作进程数 · Worker processes.")]


def serve(
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="端口 · Port.")] = 8000,
    workers: Workers = 1,
    demo: Annotated[
        bool, typer.Option(help="库空时载入演示城市 · Load the demonstration city.", envvar="SKILLSMAP_DEMO")
    ] = False,
) -> None:
    """在前台运行服务(容器、systemd) · Run the service in the foreground, for containers and supervisors."""
    from app.cli.addresses import choose_port
    from app.cli.lifeline import run_service
    from app.db.open import open_database

    home_folder()
    exit_quietly_on_termination()
    port = choose_port(host, port)
    with open_database(notify=say) as url:
        run_prepare(url, empty=not demo)
        os.environ["DATABASE_URL"] = url
        run_service(host, port, workers)


def prepare(
    empty: Annotated[bool, typer.Option("--empty", help="不载入演示城市 · No demonstration city.")] = False,
    accounts: Annotated[bool, typer.Option("--accounts", help="建演示账号 · Demonstration accounts.")] = False,
) -> None:
    """准备数据:结构、演示城市、快照、计算核心 · Schema, demonstration city, snapshot, compiled kernels."""
    from app.cli.users import tell_accounts
    from app.errors import NotReady
    from app.services.snapshot import ensure_snapshot
    from app.services.warming import warm, warm_planning
    from app.settings import home_settings

    with database_engine() as engine:
        if not empty:
            from app.demo import load_demo_if_missing

            load_demo_if_missing(engine, stderr_console())
        tell_accounts(engine, make=accounts and not empty)
        try:
            say("正在准备快照和计算核心…", "preparing snapshot and kernels …")
            snapshot = ensure_snapshot(engine, home_settings())
            warm(snapshot)
            warm_planning(snapshot)
        except NotReady as fault:  # an empty database is served too: it says itself what is missing
            say(fault.message_zh, fault.message_en)


def run_prepare(url: str, *, empty: bool, accounts: bool = False) -> None:
    """Run ``prepare`` in a process of its own: what it needs in memory is gone before the service starts.

    ``accounts`` makes those of the demonstration city and shows their passwords: for terminals, since what ``serve``
    prints is kept as a log.

    Raises SystemExit when it fails; it has then told why.
    """
    from app.db.processes import dying_with_parent

    command = [sys.executable, "-m", "app.cli", "prepare", *(["--empty"] if empty else [])]
    if accounts:
        command.append("--accounts")
    child = subprocess.Popen(
        command, env={**os.environ, "DATABASE_URL": url}, preexec_fn=dying_with_parent(signal.SIGKILL)
    )
    try:
        code = child.wait()
    except BaseException:
        child.send_signal(signal.SIGINT)  # its transaction is rolled back
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        raise
    if code != 0:
        if code < 0:
            say(f"数据准备被信号 {-code} 终止", f"preparing the data was ended by signal {-code}")
        raise SystemExit(FAILED_STEP)


def exit_quietly_on_termination() -> None:
    """SIGTERM and SIGHUP unwind the program once, with exit code 0; Ctrl-C once, with 130; later ones are ignored."""
    asked = False

    def stop(signal_number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            return
        asked = True
        if signal_number == signal.SIGINT:
            raise SystemExit(130)  # no KeyboardInterrupt: here Ctrl-C is the usual end, nothing was cut off
        raise SystemExit(0)

    for signal_number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(signal_number, stop)


def rotated(log: Path, limit_bytes: int = 20_000_000) -> Path:
    """The log file, after putting one that grew large aside."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > limit_bytes:
        log.rename(log.with_suffix(".log.1"))
    return log
