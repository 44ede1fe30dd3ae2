"""Addresses to listen on: is the port free, and how is the service called from this machine."""

from __future__ import annotations

import errno
import socket

from app.errors import Conflict, ErrorItem, InvalidInput

DEFAULT_PORT = 8000
PORTS_TRIED = 100


def choose_port(host: str, wanted: int | None) -> int:
    """The wanted port if it is free; if none is wanted, the first free one from 8000 on; for 0 any free one.

    Raises Conflict when the wanted one is taken (or none is free), InvalidInput when the host or port cannot be
    listened on at all.
    """
    if wanted is not None:
        taken = bind_briefly(host, wanted)
        if taken is None:
            raise _taken(wanted)
        return taken
    for port in range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED):
        if bind_briefly(host, port) is not None:
            return port
    raise _taken(DEFAULT_PORT)


def bind_briefly(host: str, port: int) -> int | None:
    """The port number if it could be bound, None if it is taken. Raises InvalidInput."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
            return int(probe.getsockname()[1])
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE and not isinstance(fault, socket.gaierror):
            return None
        if fault.errno == errno.EACCES:
            raise _wrong(
                "--port", str(port), "需要管理员权限", "needs administrator rights", "1024 以上的端口", "one above 1024"
            ) from None
        raise _wrong(
            "--host", host, "不是本机的地址", "is not an address of this machine", "127.0.0.1 或 0.0.0.0",
            "127.0.0.1 or 0.0.0.0",
        ) from None  # fmt: skip


def local_host(host: str) -> str:
    """Where this machine itself finds a service that listens on ``host``."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)


def http_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _taken(port: int) -> Conflict:
    return Conflict(
        f"端口 {port} 已被占用。",
        f"Port {port} is taken.",
        errors=[
            ErrorItem(
                "--port",
                "已有别的程序在监听该端口",
                "another program listens on it",
                value=str(port),
                remedy_zh="换一个端口(--port),或不写 --port 由程序自选",
                remedy_en="name another --port, or none to have a free one chosen",
            )
        ],
    )


def _wrong(field: str, value: str, zh: str, en: str, choose_zh: str, choose_en: str) -> InvalidInput:
    item = ErrorItem(field, zh, en, value=value, remedy_zh=f"请用 {choose_zh}", remedy_en=f"use {choose_en}")
    return InvalidInput(f"无法监听:{field} {value} {zh}。", f"Cannot listen: {field} {value} {en}.", errors=[item])
