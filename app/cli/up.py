"""``skillsmap up``: from nothing to a service that answers, and back to nothing."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from app.cli.runtime import home_folder, say
from app.cli.serve import Host, Workers, exit_quietly_on_termination, run_prepare
from app.errors import DatabaseUnavailable

WATCH_SECONDS = 0.25


def up(
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="端口,默认从 8000 起 · Port; default: first free from 8000."),
    ] = None,
    host: Host = "127.0.0.1",
    workers: Workers = 1,
    empty: Annotated[bool, typer.Option("--empty", help="不载入演示城市 · No demonstration city.")] = False,
) -> None:
    """启动一切:数据库、演示城市、服务 · Start everything: database, demonstration city, service."""
    from app.cli.addresses import choose_port, http_url, local_host
    from app.cli.claim import Claim, HomeClaim
    from app.cli.service import Service
    from app.db.open import open_database

    home = home_folder()
    exit_quietly_on_termination()
    with HomeClaim(home) as claim:
        port = choose_port(host, port)
        url = http_url(host, port)
        mine = Claim(pid=os.getpid(), url=url)
        claim.write(mine)
        with open_database(notify=say) as database_url:
            run_prepare(database_url, empty=empty, accounts=True)
            with Service(host, port, workers, database_url, home / "logs" / "service.log") as service:
                service.wait_until_ready(lambda: check_cluster(home))
                claim.write(Claim(pid=mine.pid, url=url, ready=True))
                also = "" if local_host(host) == host else f" (this machine: {http_url(local_host(host), port)})"
                print(f"ready: {url}{also}", flush=True)
                say(f"按 Ctrl-C 停止;日志在 {home / 'logs'}", f"Ctrl-C stops it; logs are in {home / 'logs'}")
                try:
                    while True:
                        time.sleep(WATCH_SECONDS)
                        service.check()
                        check_cluster(home)
                finally:
                    say("正在停止…", "stopping…")


def check_cluster(home: Path) -> None:
    """Raises DatabaseUnavailable with the end of its log when the private server has ended."""
    from app.db.embedded import PrivateCluster
    from app.db.open import given_url

    if given_url() is not None:
        return
    cluster = PrivateCluster(home)
    if not cluster.is_running():
        raise DatabaseUnavailable(
            "内置数据库意外结束。已提交的数据没有丢失,再次执行 ./skillsmap up 即可恢复。",
            "The private database ended unexpectedly. Nothing committed is lost: ./skillsmap up again recovers it. "
            f"The end of its log {cluster.files.log}:\n{cluster.files.log_tail()}",
        )
