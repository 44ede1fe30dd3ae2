"""``skillsmap user`` as a person runs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from app.cli.faults import report
from app.cli.main import app as cli
from app.db.engine import libpq_url, make_engine, session_scope
from app.errors import SessionEnded, TokenInvalid
from app.models import AuditEntry, User
from app.models.vocabularies import Channel, Role
from app.services import signing_in
from app.services.api_tokens import identify_token
from app.services.passwords import is_right
from app.services.signing_in import Origin
from app.settings import auth_settings
from tests.api.conftest import load_known_city
from tests.conftest import MakeDatabase

Run = Callable[..., "Done"]


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


@dataclass(frozen=True)
class Done:
    """How a command ended. ``stderr`` has what the frame would say of a fault (see test_faults.py)."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(place: Engine, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process: one of its own takes a second each time."""
    environment = {"DATABASE_URL": libpq_url(place.url.render_as_string(hide_password=False))}

    def command(*arguments: str, said: str = "") -> Done:
        done = CliRunner().invoke(cli, ["user", *arguments], input=said, env=environment)
        if done.exception is None or isinstance(done.exception, SystemExit):
            return Done(done.exit_code, done.stdout, done.stderr)
        capsys.readouterr()
        code = report(done.exception)
        return Done(code, done.stdout, done.stderr + capsys.readouterr().err)

    return command


def hash_of(place: Engine, username: str) -> str:
    with Session(place) as session:
        return session.scalars(select(User.password_hash).where(User.username == username)).one()


def test_an_account_at_the_command_line(run: Run, place: Engine) -> None:
    made = run("add", "chief", "--role", "administrator", "--display-name", "系统管理员")
    assert made.returncode == 0, made.stderr
    password = made.stdout.splitlines()[-1]
    assert re.fullmatch(r"([a-z2-9]{4}-){3}[a-z2-9]{4}", password)
    assert is_right(password, hash_of(place, "chief"))
    signed = signing_in.sign_in(place, auth_settings(), "chief", password, Origin())
    assert (signed.user.role, signed.user.area_code, signed.user.must_change_password) == ("administrator", "90", True)

    listed = run("list")
    assert "chief" in listed.stdout and "系统管理员" in listed.stdout and "enabled" in listed.stdout

    ended = run("sign-out-all")
    assert ended.returncode == 0 and "1" in ended.stdout
    with Session(place) as session, pytest.raises(SessionEnded):
        signing_in.identify(session, signed.access_token, Origin())
    with pytest.raises(SessionEnded):
        signing_in.refresh(place, auth_settings(), signed.refresh_token, Origin())
    again = signing_in.sign_in(place, auth_settings(), "chief", password, Origin())
    with Session(place) as session:
        assert signing_in.identify(session, again.access_token, Origin()).role is Role.ADMINISTRATOR

    other = run("password", "chief", "--password-stdin", said="plum rain season\n")
    assert other.returncode == 0 and "plum" not in other.stdout + other.stderr
    assert is_right("plum rain season", hash_of(place, "chief"))
    refused = run("disable", "chief")
    assert refused.returncode == 1 and "最后一个" in refused.stderr, "it is the last administrator"


def test_tokens_and_disabled_accounts(run: Run, place: Engine) -> None:
    made = run(
        "add", "officer", "--role", "district_officer", "--area", "9001", "--password-stdin", said="early tea 2\n"
    )
    assert made.returncode == 0, made.stderr
    issued = run("token", "officer", "--name", "excel-sync", "--write", "--days", "90")
    assert issued.returncode == 0, issued.stderr
    secret = issued.stdout.strip()
    with Session(place) as session:
        actor, _ = identify_token(session, secret, Origin())
    assert (actor.username, actor.role, actor.scope.code, actor.may_write, actor.channel) == (
        "officer", Role.DISTRICT_OFFICER, "9001", True, Channel.TOKEN,
    )  # fmt: skip
    assert run("disable", "officer").returncode == 0
    with Session(place) as session, pytest.raises(TokenInvalid):
        identify_token(session, secret, Origin())
    assert "disabled" in run("list").stdout
    assert run("enable", "officer").returncode == 0
    with Session(place) as session:
        query = select(AuditEntry).where(AuditEntry.kind == "user", AuditEntry.key == "officer")
        entries = list(session.scalars(query.order_by(AuditEntry.id)))
    assert [(e.action, e.channel) for e in entries] == [
        ("insert", "command"),
        ("update", "command"),
        ("update", "command"),
    ]
    assert entries[1].after == {"is_disabled": True}


def test_mistakes_are_explained(run: Run) -> None:
    for arguments, said in (
        (("add", "someone", "--role", "district_officer", "--area", "9003"), "9001"),
        (("add", "someone", "--role", "district_officer"), "区级"),
        (("add", "Some One", "--role", "viewer"), "小写字母"),
        (("password", "offiser"), "officer"),
    ):
        done = run(*arguments)
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert run("add", "someone").returncode == 2
