"""Where the service may listen."""

from __future__ import annotations

import socket

import pytest

from app.cli import addresses
from app.cli.addresses import choose_port, http_url, local_host
from app.errors import Conflict, InvalidInput


def test_a_named_port_that_is_taken_is_refused_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Conflict) as caught:
            choose_port("127.0.0.1", port)
    assert caught.value.errors[0].value == str(port)
    assert choose_port("127.0.0.1", port) == port, "free again"


def test_without_a_name_the_next_free_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(addresses, "DEFAULT_PORT", port)
        chosen = choose_port("127.0.0.1", None)
    assert port < chosen <= port + addresses.PORTS_TRIED


def test_all_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(addresses, "DEFAULT_PORT", taken.getsockname()[1])
        monkeypatch.setattr(addresses, "PORTS_TRIED", 1)
        with pytest.raises(Conflict):
            choose_port("127.0.0.1", None)


@pytest.mark.parametrize("host", ["203.0.113.7", "no-such-host.invalid"])
def test_a_host_that_is_not_ours(host: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_port(host, 0)
    assert (caught.value.errors[0].field, caught.value.errors[0].value) == ("--host", host)


def test_how_this_machine_calls_it() -> None:
    assert [local_host(host) for host in ("0.0.0.0", "::", "127.0.0.2")] == ["127.0.0.1", "::1", "127.0.0.2"]
    assert http_url("::1", 8000) == "http://[::1]:8000"
    assert http_url("127.0.0.1", 8000) == "http://127.0.0.1:8000"
