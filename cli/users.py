"""`vitrine user`: who may sign in, without signing in."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Final

import asyncpg
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cli.direct import readable, with_pool
from domain.clock import SystemClock
from domain.errors import NotFoundError
from storage.audit import AuditLine, append
from storage.operators import (
    Role,
    create_operator,
    find_operator_by_email,
    list_operators,
    set_password,
)
from storage.sessions import close_other_sessions

users_app: Final = typer.Typer(no_args_is_help=True, help="As pessoas que entram no painel.")
console: Final = Console()
Email = Annotated[str, typer.Argument(help="O e-mail com que a pessoa entra.")]


@users_app.command("list")
def show() -> None:
    """Lista quem entra no painel."""
    with readable():
        people = with_pool(list_operators)
        table = Table("E-mail", "Nome", "Perfil", "Situação")
        for one in people:
            states = ["ativa" if one.active else "desligada"]
            states += ["online"] if one.online else []
            states += ["senha inicial"] if one.password_is_initial else []
            table.add_row(escape(one.email), escape(one.name), one.role.value, ", ".join(states))
        console.print(table)


@users_app.command()
def add(
    email: Email,
    name: Annotated[str, typer.Option("--name", "-n", help="O nome que os colegas veem.")],
    role: Annotated[Role, typer.Option("--role", "-r", help="O que a pessoa pode ver e fazer.")],
) -> None:
    """Cria uma pessoa com uma senha inicial, que é mostrada uma vez."""
    with readable():
        password = _first_password()

        async def create(pool: asyncpg.Pool[Any]) -> object:
            made = await create_operator(
                pool, email=email, name=name, role=role, password=password, password_is_initial=True
            )
            await _audit(pool, "user.create", f"operator/{made}", role=role.value)
            return made

        with_pool(create)
        console.print(f"{escape(email)} entra com a senha inicial [bold]{password}[/]")


@users_app.command()
def password(
    email: Email,
    *,
    ask: Annotated[bool, typer.Option("--ask", help="Pergunta a senha nova.")] = False,
) -> None:
    """Troca a senha de alguém e encerra as suas sessões; sem `--ask`, gera uma."""
    with readable():
        chosen = (
            typer.prompt("Senha nova", hide_input=True, confirmation_prompt=True) if ask else ""
        )
        new = chosen or _first_password()

        async def change(pool: asyncpg.Pool[Any]) -> None:
            operator = await find_operator_by_email(pool, email)
            if operator is None:
                raise NotFoundError("operator", email)
            await set_password(pool, operator.id, new, initial=not chosen)
            await close_other_sessions(pool, operator.id, None)
            await _audit(pool, "user.password", f"operator/{operator.id}")

        with_pool(change)
        shown = "trocada" if chosen else f"[bold]{new}[/]"
        console.print(f"a senha de {escape(email)}: {shown}")


async def _audit(pool: asyncpg.Pool[Any], action: str, target: str, **details: str) -> None:
    line = AuditLine(
        at=SystemClock().now(), actor="cli", action=action, target=target, details=details
    )
    async with pool.acquire() as connection, connection.transaction():
        await append(connection, [line])


def _first_password() -> str:
    return secrets.token_urlsafe(12)
