"""The frame of the command line: registers the commands and turns every fault into an explanation."""

from __future__ import annotations

import importlib
import sys

import typer

from app import __version__
from app.cli import database, down, faults, openapi, serve, testing, up
from app.cli.runtime import prepare_environment

app = typer.Typer(
    name="skillsmap",
    help="羊城技能地图 · Yangcheng Skills Map: who can walk to skills training, and who cannot.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skillsmap {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(
        False, "--version", callback=show_version, is_eager=True, help="显示版本 · Show the version."
    ),
) -> None:
    """羊城技能地图 · Yangcheng Skills Map: who can walk to skills training, and who cannot."""


app.command("up")(up.up)
app.command("down")(down.down)
app.command("test", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(testing.test)
app.command("serve")(serve.serve)
app.command("openapi")(openapi.openapi)
app.command("prepare", hidden=True)(serve.prepare)
app.add_typer(database.db_app, name="db")


def add_others() -> None:
    """Commands with modules of their own; a missing module is a missing command, a broken one is an error."""
    for name, module, attribute in (
        ("import", "app.cli.importing", "import_app"),
        ("coverage", "app.cli.coverage", "coverage_app"),
        ("jobs", "app.cli.jobs", "jobs_app"),
        ("bench", "app.cli.bench", "bench_app"),
        ("user", "app.cli.users", "user_app"),
    ):
        try:
            app.add_typer(getattr(importlib.import_module(module), attribute), name=name)
        except ModuleNotFoundError as fault:
            if fault.name != module:
                raise


add_others()


def main() -> None:
    """Run the command line; always ends in SystemExit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    prepare_environment()
    try:
        app(prog_name="./skillsmap")
    except SystemExit as end:
        if any(isinstance(cause, KeyboardInterrupt) for cause in faults.causes(end)):  # typer has turned it into 130
            sys.exit(faults.report(KeyboardInterrupt()))
        raise
    except (Exception, KeyboardInterrupt) as fault:  # the last place that can explain it
        sys.exit(faults.report(fault))
