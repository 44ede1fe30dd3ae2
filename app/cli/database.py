"""``skillsmap db``: the schema, the address, and a way in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import typer

from app.cli.runtime import home_folder, say
from app.errors import DatabaseUnavailable

db_app = typer.Typer(no_args_is_help=True, help="数据库:结构、地址、psql · The database: schema, address, psql.")


@db_app.command("upgrade")
def upgrade_schema() -> None:
    """把数据库结构升级到最新 · Bring the database to the newest schema."""
    from app.db.migrate import head_revision, upgrade
    from app.db.open import open_database

    home_folder()
    with open_database(migrate=False, notify=say) as url:
        done = upgrade(url)
    head = head_revision()
    typer.echo(f"已升级到 {head} · upgraded to {head}" if done else f"已是最新 {head} · already at the newest, {head}")


@db_app.command("tidy")
def tidy() -> None:
    """清除到期的投诉联系方式、往日的访客计数与结束已久的任务 · Erase contacts, visitor counts and jobs that are due."""
    from app.db.engine import make_engine, session_scope
    from app.db.open import open_database
    from app.services.complaints import erase_old_contacts
    from app.services.jobs import erase_old_jobs
    from app.services.visitors import forget_past_days
    from app.settings import job_settings, quality_settings

    home_folder()
    with open_database(notify=say) as url:
        engine = make_engine(url)
        with session_scope(engine) as session:
            erased = erase_old_contacts(session, quality_settings())
            forget_past_days(session)
            jobs = erase_old_jobs(session, job_settings())
        engine.dispose()
    typer.echo(f"清除联系方式 {erased} 条 · {erased} contacts erased")
    typer.echo(f"清除任务 {jobs} 项 · {jobs} jobs erased")


@db_app.command("url")
def print_url() -> None:
    """打印数据库地址(含密码) · Print the database's address, password included."""
    from app.db.engine import libpq_url
    from app.db.open import given_url, open_database

    home = home_folder()
    with open_database(notify=say) as url:
        typer.echo(libpq_url(url))
    if given_url() is None:
        from app.db.embedded import PrivateCluster

        if not PrivateCluster(home).is_running():
            say("内置数据库只在 up 运行时可连接", "the private database answers only while `up` runs")


@db_app.command("psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(context: typer.Context) -> None:
    """在数据库上打开 psql,参数原样转交 · Open psql on the database; arguments are handed through."""
    from app.db.engine import libpq_url
    from app.db.open import open_database

    home_folder()
    with open_database(notify=say) as url:
        code = subprocess.run([find_psql(), libpq_url(url), *context.args], check=False).returncode
    sys.exit(code)


def find_psql() -> str:
    """The newest psql of the machine. Raises DatabaseUnavailable when there is none."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"), key=lambda path: int(path.parent.parent.name))
    found = str(installed[-1]) if installed else shutil.which("psql")
    if found is None:
        raise DatabaseUnavailable(
            "没有找到 psql:请安装 postgresql-client。", "There is no psql: install postgresql-client."
        )
    return found
