"""PostgreSQL refuses to run as root: under root it runs as a system user that can reach its files."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.errors import ServerRefusedError

# Users every system has or may have; none is created, none is changed.
CANDIDATES = ("vitrine", "postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemUser:
    name: str
    uid: int
    gid: int


def choose_user(data: Path) -> SystemUser | None:
    """Who runs the server: None means ourselves. Data that exist keep the user that owns them."""
    if os.geteuid() != 0:
        return None
    if data.exists():
        owner = data.stat().st_uid
        if owner != 0:
            return _known(pwd.getpwuid(owner))
    for name in CANDIDATES:
        try:
            return _known(pwd.getpwnam(name))
        except KeyError:
            continue
    message = (
        "PostgreSQL não roda como root e não há usuário 'postgres' nem 'nobody': crie um deles"
    )
    raise ServerRefusedError(message)


def can_enter(user: SystemUser, folder: Path) -> bool:
    """Whether `user` can reach `folder`, asked of the system itself (modes, groups, ACLs)."""
    try:
        result = subprocess.run(  # noqa: S603
            ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            cwd="/",
            env={},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return False
    return result.returncode == 0


def _known(entry: pwd.struct_passwd) -> SystemUser:
    return SystemUser(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
