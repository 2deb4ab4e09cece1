"""What a person sees when all is ready: where to go, how to get in, how it is laid out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import httpx
from rich.text import Text

from cli.api import sign_in
from cli.ports import CheckoutPorts
from cli.preflight import gigabytes
from config.generated import sandbox_operators
from config.settings import Settings, plain
from domain.errors import TransientError

LABEL_WIDTH: Final = 21
#: The kinds of actor that hold conversations.
HOST_KINDS: Final = ("own", "shared")
ROLES: Final = {"supervisor": "supervisão", "vendor": "vendas", "agent": "atendimento"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    role: str
    email: str
    password: str

    def link(self, base: str) -> str:
        """Signs in with one click; what follows `#` never reaches a server or its log."""
        return f"{base}/app/login#email={quote(self.email, '')}&password={quote(self.password, '')}"


def logins(settings: Settings) -> list[Login]:
    """The accounts of a sandbox, supervisor first; empty outside one."""
    if not settings.sandbox_on or settings.admin_email is None:
        return []
    first = Login(
        role="supervisor", email=settings.admin_email, password=plain(settings.admin_password)
    )
    others = [
        Login(role=one.role, email=one.email, password=one.password.get_secret_value())
        for one in sandbox_operators(settings)
    ]
    return [first, *others]


def working_logins(settings: Settings, base: str) -> list[Login]:
    """Those of `logins` the running API accepts: a changed password is not shown as if it worked."""
    working = []
    with httpx.Client(base_url=base, timeout=10, trust_env=False) as client:
        for one in logins(settings):
            try:
                if sign_in(client, one.email, one.password) is not None:
                    working.append(one)
            except TransientError:
                continue
    return working


def banner(
    settings: Settings,
    ports: CheckoutPorts,
    *,
    ray_url: str | None,
    ray_token: str,
    logins: Sequence[Login],
    shards: int,
    hosts: Sequence[tuple[str, int]],
    resident: int,
) -> Iterator[Text]:
    """Line by line, never folded: a folded link cannot be clicked."""
    base = f"http://127.0.0.1:{ports.http}"
    yield _row("Painel", _link(f"{base}/app/"))
    if settings.sandbox_on:
        yield _row("Telefone do cliente", _link(f"{base}/sandbox"))
    yield _row("API", _link(f"{base}/docs"))
    if ray_url is not None:
        yield _row("Painel do Ray", _link(ray_url))
        yield _row("  token", ray_token)
    for one in logins:
        yield _row(f"Entrar: {ROLES[one.role]}", f"{one.email}  senha {one.password}")
        yield _row("  num clique", _link(one.link(base)))
    if settings.sandbox_on and not logins:
        yield _row("Entrar", "com a senha que você definiu (a gerada foi trocada)")
    if not settings.sandbox_on:
        yield _row("Entrar", settings.admin_email or "com a conta de supervisão")
    yield _row("Conversas", living(hosts))
    yield _row("", placement(settings, shards))
    yield _row("Memória", f"{gigabytes(resident)} residentes, tudo somado")
    if ports.http != ports.http_wanted:
        yield Text(
            f"a porta {ports.http_wanted} estava em uso: usando {ports.http} (HTTP_PORT escolhe outra)",
            style="yellow",
        )
    if settings.is_rehearsal:
        yield Text("Ensaio sem modelo real: defina ANTHROPIC_API_KEY", style="yellow")


def living(hosts: Sequence[tuple[str, int]]) -> str:
    """How many conversations live in how many Ray actors now: (kind, conversations) of each actor."""
    ours = [(kind, count) for kind, count in hosts if kind in HOST_KINDS]
    active = sum(count for _, count in ours)
    own = sum(kind == "own" for kind, _ in ours)
    actors = "1 ator Ray" if len(ours) == 1 else f"{len(ours)} atores Ray"
    said = "nenhuma ativa" if not active else "1 ativa" if active == 1 else f"{active} ativas"
    return f"agora {said} em {actors} ({own} de uma só conversa, {len(ours) - own} de muitas)"


def placement(settings: Settings, shards: int) -> str:
    """How many conversations may live in how many Ray actors, and how to change it."""
    shared = "1 ator Ray compartilhado" if shards == 1 else f"{shards} atores Ray compartilhados"
    own = settings.dedicated_actors_max
    if own == 0:
        return f"todas em {shared} (`vitrine scale shards`); nenhuma com ator próprio (DEDICATED_ACTORS_MAX=0)"
    return (
        f"até {own} ativas com ator Ray próprio (DEDICATED_ACTORS_MAX), "
        f"as demais em {shared} (`vitrine scale shards`)"
    )


def _row(label: str, value: Text | str) -> Text:
    return Text.assemble((label.ljust(LABEL_WIDTH), "bold"), value)


def _link(url: str) -> Text:
    return Text(url, style=f"link {url} cyan")
