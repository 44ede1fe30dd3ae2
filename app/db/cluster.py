"""A PostgreSQL cluster on disk: where it lies, which programs run it, whose process it is, how it is made.

Standard library only: the keeper process imports this. Faults are ``ClusterFault`` here (two texts, no tables of
codes); ``embedded.py`` turns them into the project's ``DatabaseUnavailable``.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from app.db.processes import run_as

DATABASE = "skillsmap"
SUPERUSER = "skillsmap"
SOCKET_PORT = 5432  # only a part of the socket's file name
SOCKET_PATH_LIMIT_BYTES = 107  # sun_path of Linux, less its final zero
MINIMUM_MAJOR = 14
UNREACHABLE_BASE = Path("/var/lib/skillsmap")
SHORT_SOCKET_BASE = Path("/tmp")


class ClusterFault(Exception):
    """The private cluster cannot be made or run: a Chinese and an English text, each with the remedy."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


def fault_with_log(zh: str, en: str, said: str) -> ClusterFault:
    """A fault that ends with PostgreSQL's own words (once), and that names a full disk as such."""
    if any(words in said for words in ("No space left", "free disk space", "could not extend file")):
        zh = f"磁盘空间已满,请腾出空间后重试。{zh}"
        en = f"The disk is full; make room and try again. {en}"
    return ClusterFault(f"{zh}PostgreSQL 的报告见下。", f"{en} PostgreSQL says:\n{said}")


@dataclass(frozen=True)
class ServerState:
    """What a running keeper writes beside the cluster, for those who want to connect."""

    keeper_pid: int
    postgres_pid: int
    socket_folder: str


@dataclass(frozen=True)
class ClusterFiles:
    """The files of one cluster, all in ``base``. Only ``data`` and ``run`` belong to the server's user."""

    base: Path

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def run(self) -> Path:
        return self.base / "run"

    @property
    def log(self) -> Path:
        return self.base / "postgres.log"

    @property
    def state(self) -> Path:
        return self.base / "server.json"

    @property
    def users_lock(self) -> Path:
        return self.base / "users.lock"

    @property
    def keeper_lock(self) -> Path:
        return self.base / "keeper.lock"

    @property
    def start_lock(self) -> Path:
        return self.base / "start.lock"

    def read_state(self) -> ServerState | None:
        try:
            return ServerState(**json.loads(self.state.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write_state(self, state: ServerState) -> None:
        partial = self.state.with_suffix(".new")
        partial.write_text(json.dumps(asdict(state)))
        partial.rename(self.state)

    def log_tail(self, lines: int = 12) -> str:
        return tail(self.log, lines)


def tail(path: Path, lines: int) -> str:
    """The last lines of a text file; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 200 * lines))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])
    except OSError:
        return ""


def locate(home: Path) -> ClusterFiles:
    """The cluster's folder of this home: ``home/postgres``, or where the pointer file says it had to go.

    Creates the folder. Raises ClusterFault when the home cannot be written.
    """
    pointer = home / "postgres.location"
    inside = home / "postgres"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if pointer.exists():
            base = Path(pointer.read_text(encoding="utf-8").strip())
            base.mkdir(parents=True, exist_ok=True)
            return ClusterFiles(base)
        if (inside / "data").exists() or reachable(home, server_user(None)):
            inside.mkdir(exist_ok=True)
            return ClusterFiles(inside)
        UNREACHABLE_BASE.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
        base = Path(tempfile.mkdtemp(prefix=f"{digest}-", dir=UNREACHABLE_BASE))
        base.chmod(0o755)
        (base / "home.txt").write_text(f"{home.resolve()}\n", encoding="utf-8")
        pointer.write_text(f"{base}\n", encoding="utf-8")
        return ClusterFiles(base)
    except OSError as fault:
        raise ClusterFault(
            f"状态目录 {home} 无法写入({fault.strerror})。请改正其权限,或用 SKILLSMAP_HOME 指定另一目录。",
            f"The state folder {home} cannot be written ({fault.strerror}). "
            "Correct its permissions, or name another folder in SKILLSMAP_HOME.",
        ) from fault


def reachable(folder: Path, user: pwd.struct_passwd | None) -> bool:
    """Whether ``user`` can walk into the folder; PostgreSQL's user cannot, for example, below ``/root``."""
    if user is None:
        return True
    return run_as(user, ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder.resolve())]).returncode == 0


def server_user(data: Path | None) -> pwd.struct_passwd | None:
    """Whom the server runs as: None for ourselves; for root, the cluster's owner or else ``postgres``.

    PostgreSQL refuses to run as root. Raises ClusterFault when there is nobody to run it.
    """
    if os.geteuid() != 0:
        return None
    try:
        if data is not None and data.exists():
            return pwd.getpwuid(data.stat().st_uid)
        return pwd.getpwnam("postgres")
    except KeyError:
        raise ClusterFault(
            "以 root 运行时需要系统用户 postgres 来运行数据库:"
            "请执行 adduser --system --group postgres,或改用普通用户运行。",
            "Run by root, the database needs the system user postgres: "
            "run `adduser --system --group postgres`, or run this as an ordinary user.",
        ) from None


def find_programs(data: Path) -> Path:
    """The folder with ``postgres`` and ``initdb``: of the cluster's own version, or the newest with PostGIS.

    Raises ClusterFault when none is installed.
    """
    wanted = None
    if (data / "PG_VERSION").exists():
        wanted = int((data / "PG_VERSION").read_text().strip())
    found = {}
    for program in Path("/usr/lib/postgresql").glob("*/bin/postgres"):
        version = program.parent.parent.name
        control = Path(f"/usr/share/postgresql/{version}/extension/postgis.control")
        if version.isdigit() and int(version) >= MINIMUM_MAJOR and control.exists():
            found[int(version)] = program.parent
    if wanted is None and found:
        return found[max(found)]
    if wanted in found:
        return found[wanted]
    package = f"postgresql-{wanted or 'N'}-postgis-3"
    raise ClusterFault(
        f"没有找到带 PostGIS 的 PostgreSQL{f' {wanted}(本数据目录的版本)' if wanted else ''}:请安装 {package}"
        "(./skillsmap up 会自动安装),或设置 DATABASE_URL。",
        f"No PostgreSQL{f' {wanted} (the version of this cluster)' if wanted else ''} with PostGIS is installed: "
        f"install {package} (./skillsmap up does it), or set DATABASE_URL.",
    )


def make_cluster(files: ClusterFiles, programs: Path, user: pwd.struct_passwd | None, *, durable: bool) -> None:
    """Make the cluster if there is none. Half-made ones are never seen: it is made aside and renamed.

    Raises ClusterFault with PostgreSQL's own words when it fails.
    """
    for leftover in files.base.glob("data.new-*"):  # an interrupted earlier try
        shutil.rmtree(leftover, ignore_errors=True)
    if files.data.exists():
        return
    aside = Path(tempfile.mkdtemp(prefix="data.new-", dir=files.base))
    if user is not None:
        os.chown(aside, user.pw_uid, user.pw_gid)
    command = [
        str(programs / "initdb"), "-D", str(aside), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
        "--locale=C.UTF-8", "--data-checksums",
    ]  # fmt: skip
    done = run_as(user, command if durable else [*command, "--no-sync"])
    if done.returncode != 0:
        shutil.rmtree(aside, ignore_errors=True)
        raise fault_with_log(
            f"无法在 {files.base} 建立数据库目录。",
            f"The database folder cannot be made in {files.base}.",
            "\n".join(done.stdout.splitlines()[-6:]),
        )
    aside.rename(files.data)


def make_socket_folder(files: ClusterFiles, user: pwd.struct_passwd | None) -> Path:
    """A folder for the socket that only the server's user (and root) can enter.

    Socket paths are limited to 107 bytes, and a comma would be read as a list: then a short folder outside is taken.
    """
    usable = "," not in str(files.run) and len(os.fsencode(socket_file(files.run))) <= SOCKET_PATH_LIMIT_BYTES
    if usable:
        files.run.mkdir(exist_ok=True)
        folder = files.run
    else:
        digest = hashlib.sha256(os.fsencode(files.base.resolve())).hexdigest()[:12]
        folder = SHORT_SOCKET_BASE / f"skillsmap-{digest}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            owner = user.pw_uid if user else os.geteuid()
            found = folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:  # somebody else's: do not trust it
                folder = Path(tempfile.mkdtemp(prefix="skillsmap-", dir=SHORT_SOCKET_BASE))
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)
    return folder


def socket_file(folder: Path) -> Path:
    return folder / f".s.PGSQL.{SOCKET_PORT}"


def server_command(programs: Path, files: ClusterFiles, socket_folder: Path, *, durable: bool) -> list[str]:
    """The server's command line. Settings are given here, not in a file, so that an old cluster gets today's."""
    quoted = '"' + str(socket_folder).replace('"', '""') + '"'  # the value is a list of names
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": quoted,
        "unix_socket_permissions": "0700",
        "port": str(SOCKET_PORT),
        "max_connections": "100",
        "shared_buffers": "256MB" if durable else "64MB",
        "work_mem": "32MB",
        "maintenance_work_mem": "256MB",
        "jit": "off",
        "max_wal_size": "4GB",
        "checkpoint_completion_target": "0.9",
        "random_page_cost": "1.1",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        "logging_collector": "off",
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    command = [str(programs / "postgres"), "-D", str(files.data)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return command
