"""``skillsmap down``: stop the ``up`` of this home, and a database it may have left behind."""

from __future__ import annotations

import os
import signal

import typer

from app.cli.runtime import home_folder, say
from app.errors import Conflict

STOP_SECONDS = 120.0


def down() -> None:
    """停止本目录的服务和内置数据库 · Stop the service and the private database of this home."""
    from app.cli.claim import HomeClaim
    from app.db.embedded import PrivateCluster
    from app.db.processes import has_ended, wait_until

    home = home_folder()
    claim = HomeClaim(home)
    stopped = False
    if claim.is_held():
        found = claim.read()
        if found is None:
            raise Conflict("up 正在启动或停止,请稍后再试。", "`up` is just starting or stopping; try again.")
        say(f"正在停止进程 {found.pid}({found.url})", f"stopping process {found.pid} ({found.url})")
        try:
            os.kill(found.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass  # it ended in this very moment
        except PermissionError:
            raise Conflict(
                f"up(进程 {found.pid})属于另一个系统用户,请由该用户或 root 停止。",
                f"`up` (process {found.pid}) belongs to another user of this machine; that user or root can stop it.",
            ) from None
        if not wait_until(lambda: not claim.is_held(), seconds=STOP_SECONDS):
            raise Conflict(
                f"进程 {found.pid} 在 {STOP_SECONDS:.0f} 秒内没有结束。"
                f"可用 kill -9 {found.pid} 强制结束,数据不会损坏。",
                f"Process {found.pid} has not ended within {STOP_SECONDS:.0f} s. "
                f"kill -9 {found.pid} ends it by force; the data stay whole.",
            )
        wait_until(lambda: has_ended(found.pid), seconds=10.0)
        stopped = True
    if not (home / "postgres").exists() and not (home / "postgres.location").exists():
        typer.echo("没有在运行的服务 · nothing was running" if not stopped else "已停止 · stopped")
        return
    cluster = PrivateCluster(home)
    orphan = cluster.end_orphan()
    wait_until(lambda: not cluster.is_running() or bool(cluster.user_pids()), seconds=STOP_SECONDS)
    users = cluster.user_pids()
    if users and cluster.is_running():
        pids = ", ".join(map(str, users))
        say(f"数据库仍被进程 {pids} 使用", f"processes {pids} still use the database; it stops after them")
    if stopped or orphan:
        typer.echo("已停止 · stopped")
    elif not users:
        typer.echo("没有在运行的服务 · nothing was running")
