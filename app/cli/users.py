"""``skillsmap user``: accounts and API tokens, for whoever runs the service."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.runtime import database_engine, home_folder, say, stderr_console
from app.errors import ErrorItem, InvalidInput

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from app.services.accounts import GivenPassword
    from app.services.actors import Actor

PIPED_COLUMNS = 160

user_app = typer.Typer(no_args_is_help=True, help="账号与接口令牌 · Accounts and API tokens.")


class RoleName(StrEnum):  # as app.models.vocabularies has them, which would load the database layer for --help
    VIEWER = "viewer"
    TOWN_OFFICER = "town_officer"
    DISTRICT_OFFICER = "district_officer"
    CITY_OFFICER = "city_officer"
    ADMINISTRATOR = "administrator"


Username = Annotated[str, typer.Argument(metavar="USERNAME", help="用户名 · Username.", show_default=False)]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="从标准输入读密码 · Read the password from standard input.")
]


@user_app.callback()
def users() -> None:
    """账号与接口令牌 · Accounts and API tokens."""


@user_app.command("add")
def add(
    username: Username,
    role: Annotated[RoleName, typer.Option("--role", help="角色 · Role.", show_default=False)],
    area: Annotated[
        str | None,
        typer.Option("--area", help="管辖区划代码,市级可省略 · Area code; the city's own for roles of the city."),
    ] = None,
    display_name: Annotated[str | None, typer.Option("--display-name", help="显示名称 · Name that is shown.")] = None,
    password_stdin: FromStdin = False,
) -> None:
    """新建账号,随机密码只显示一次 · Make an account; its random password is shown once."""
    from app.db.engine import session_scope
    from app.models.vocabularies import Role
    from app.services.accounts import NewUser, add_user

    home_folder()
    password = _password_from_stdin() if password_stdin else None
    with database_engine() as engine, session_scope(engine) as session:
        given = add_user(session, _operator(), NewUser(username, Role(role), area, display_name, password))
    typer.echo(f"已建账号 {username} · made {username}: {given.user.role}, {given.user.area_code}")
    _show_password(given)


@user_app.command("list")
def list_accounts() -> None:
    """列出账号 · List accounts."""
    from rich.console import Console
    from rich.table import Table

    from app.db.engine import session_scope
    from app.services.accounts import list_users

    home_folder()
    with database_engine() as engine, session_scope(engine) as session:
        rows = list_users(session, _operator())
    table = Table("用户名 username", "名称 name", "角色 role", "区划 area", "状态 state", "上次登录 last sign-in (UTC)")
    for row in rows:
        state = "停用 disabled" if row.is_disabled else "启用 enabled"
        last = "–" if row.last_sign_in_at is None else f"{row.last_sign_in_at:%Y-%m-%d %H:%M}"
        table.add_row(row.username, row.display_name, row.role, f"{row.area_code} {row.area_name or ''}", state, last)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_COLUMNS
    console.print(table)


@user_app.command("token")
def token(
    username: Username,
    name: Annotated[str, typer.Option("--name", help="用途 · What it is for.", show_default=False)],
    write: Annotated[bool, typer.Option("--write", help="可写 · It may write.")] = False,
    days: Annotated[int, typer.Option("--days", help="有效天数,至多 730 · Days it is good for.")] = 365,
    role: Annotated[RoleName | None, typer.Option("--role", help="较低的角色 · A lower role.")] = None,
    area: Annotated[str | None, typer.Option("--area", help="较小的范围 · A smaller area.")] = None,
) -> None:
    """签发接口令牌,只显示一次 · Issue an API token of an account; shown once."""
    from app.db.engine import session_scope
    from app.models.vocabularies import Role
    from app.services.accounts import get_user
    from app.services.api_tokens import NewToken, make_token

    home_folder()
    with database_engine() as engine, session_scope(engine) as session:
        owner = get_user(session, _operator(), username)
        wanted = NewToken(name, Role(role) if role else None, area, write, days)
        made = make_token(session, _operator(), owner, wanted)
    until = f"{made.token.expires_at:%Y-%m-%d}"
    say(f"令牌只显示这一次,有效至 {until}", f"the token is shown this once; good until {until}")
    typer.echo(made.secret)


@user_app.command("disable")
def disable(username: Username) -> None:
    """停用账号:登录立即结束,令牌作废 · Disable an account: sessions end, tokens are revoked."""
    _set_disabled(username, is_disabled=True)
    typer.echo(f"已停用 · disabled: {username}")


@user_app.command("enable")
def enable(username: Username) -> None:
    """启用账号 · Enable an account."""
    _set_disabled(username, is_disabled=False)
    typer.echo(f"已启用 · enabled: {username}")


@user_app.command("password")
def password(username: Username, password_stdin: FromStdin = False) -> None:
    """重设密码并解除锁定 · Set another password, and end a lock-out."""
    from app.db.engine import session_scope
    from app.services.accounts import reset_password

    home_folder()
    wanted = _password_from_stdin() if password_stdin else None
    with database_engine() as engine, session_scope(engine) as session:
        given = reset_password(session, _operator(), username, wanted)
    typer.echo(f"已重设 · done: {username}")
    _show_password(given)


@user_app.command("sign-out-all")
def sign_out_everybody() -> None:
    """结束所有登录并更换签名密钥 · End all sessions, and sign with a new key."""
    from app.db.engine import session_scope
    from app.services.signing_in import sign_out_all

    home_folder()
    with database_engine() as engine, session_scope(engine) as session:
        ended = sign_out_all(session, _operator())
    typer.echo(f"已结束 {ended} 个登录,密钥已更换 · {ended} sessions ended, the key is a new one")


def tell_accounts(engine: Engine, *, make: bool) -> None:
    """At a start: make and show the accounts of the demonstration city, or say that there is none yet."""
    from app.demo.accounts import make_demo_accounts

    state = make_demo_accounts(engine, wanted=make)
    if state.made:
        typer.echo("演示账号,密码只显示这一次 · demonstration accounts, passwords are shown once:")
        for given in state.made:
            user = given.user
            typer.echo(f"  {user.username:<10} {given.password}  {user.role} {user.area_code}")
        typer.echo("  忘记了:./skillsmap user password 用户名 · forgotten: ./skillsmap user password USERNAME")
    elif not state.is_any:
        say(
            "还没有账号;设第一个管理员:./skillsmap user add NAME --role administrator --area 4401",
            "there is no account yet; that makes the first administrator",
        )


def _set_disabled(username: str, *, is_disabled: bool) -> None:
    from app.db.engine import session_scope
    from app.services.accounts import set_disabled

    home_folder()
    with database_engine() as engine, session_scope(engine) as session:
        set_disabled(session, _operator(), username, is_disabled=is_disabled)


def _operator() -> Actor:
    """Whoever runs the command, by the name that the system knows."""
    import getpass

    from app.services.actors import of_command

    try:
        return of_command(getpass.getuser())
    except (KeyError, OSError):  # a container's user may have no name
        return of_command("command")


def _show_password(given: GivenPassword) -> None:
    if given.password is not None:
        say("密码只显示这一次", "the password is shown this once")
        typer.echo(given.password)


def _password_from_stdin() -> str:
    if sys.stdin.isatty():
        stderr_console().print("密码 password: ", end="")
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        item = ErrorItem(
            "password", "标准输入为空", "standard input is empty",
            remedy_zh="把密码写在标准输入的第一行", remedy_en="write the password as the first line of standard input",
        )  # fmt: skip
        raise InvalidInput("没有读到密码。", "There was no password to read.", errors=[item])
    return line
