"""``skillsmap bench``: how fast, beside whom. The measuring itself is in ``benchmarks/``."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from app.cli.runtime import database_engine, home_folder, say, stderr_console

bench_app = typer.Typer(help="性能测试 · Benchmarks, each figure beside a peer's.", invoke_without_command=True)


@bench_app.callback()
def bench(
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · Print JSON.")] = False,
    up: Annotated[bool, typer.Option(help="包括在新目录中启动两次 · With `up` in a new home, and again.")] = False,
) -> None:
    """测量并打印;本目录无数据时先载入演示城市 · Measure and print; an empty home gets the demonstration city first."""
    from app.cli.addresses import choose_port
    from app.cli.service import Service
    from app.db.engine import render
    from app.demo import load_demo_if_missing
    from app.services.snapshot import ensure_snapshot
    from app.services.warming import warm
    from app.settings import home_settings
    from benchmarks import serving, starting, walking

    home = home_folder()
    figures: dict[str, Any] = {}
    if up:
        say("正在新目录中启动两次…", "starting twice in a new home …")
        figures["starting"] = starting.up_twice()
    with database_engine() as engine:
        load_demo_if_missing(engine, stderr_console())
        snapshot = ensure_snapshot(engine, home_settings())
        warm(snapshot)
        figures["measured_on"] = walking.describe(snapshot)
        say("正在测量计算核心…", "measuring the walking engine …")
        figures["in_process"] = walking.run(snapshot)
        url = render(engine.url)
        say("正在测量工作进程的启动…", "measuring the start of a worker …")
        figures.setdefault("starting", {})["worker_ready"] = starting.worker_ready(url)
        say("正在测量 HTTP 服务…", "measuring the service over HTTP …")
        port = choose_port("127.0.0.1", 0)
        with Service("127.0.0.1", port, 1, url, home / "logs" / "bench.log") as service:
            service.wait_until_ready(lambda: None)
            figures["http"] = serving.run("127.0.0.1", port, snapshot)
    typer.echo(json.dumps(figures, ensure_ascii=False, indent=1) if as_json else as_text(figures))


def as_text(figures: dict[str, Any]) -> str:
    """One line a figure: what, median, promise, peer."""
    lines = [f"measured on: {figures['measured_on']}"]
    for group in ("starting", "in_process", "http"):
        for name, figure in figures.get(group, {}).items():
            if not isinstance(figure, dict):
                continue
            line = f"{group:10s} {name:50s} {figure['median_ms']:10.3f} ms"
            if "promised_ms" in figure:
                line += f"  {'≤' if figure['kept'] else '>'} {figure['promised_ms']:g} promised"
            if "peer" in figure:
                line += (
                    f"  {figure['peer']}: {figure['peer_median_ms']:.3f} ms (× {figure['peer_takes_times_as_long']})"
                )
            lines.append(line)
    return "\n".join(lines)
