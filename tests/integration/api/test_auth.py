from __future__ import annotations

from datetime import timedelta

import jwt
import pytest

from domain.ids import OperatorId
from storage.api_tokens import create_api_token, revoke_api_token
from storage.operators import Seeded, find_by_password, seed_admin
from tests.integration.api.desk import PASSWORD, SECRET, Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


async def test_a_session_opens_and_says_who_it_is(desk: Desk):
    me = (await desk.bia.get("/me")).json()
    assert (me["name"], me["role"]) == ("Bia", "vendor")
    login = {"email": "Bia@loja.example", "password": PASSWORD}
    tokens = (await desk.anyone.post("/auth/login", json=login)).json()
    assert tokens["expires_in"] == 3600
    fresh = desk.client(tokens["access_token"])
    assert (await fresh.get("/me")).json() == me
    await fresh.aclose()


@pytest.mark.parametrize(
    "body",
    [
        {"email": "ana@loja.example", "password": "errada"},
        {"email": "ninguem@loja.example", "password": PASSWORD},
    ],
    ids=["wrong password", "unknown e-mail"],
)
async def test_a_wrong_password_and_an_unknown_email_look_the_same(
    desk: Desk, body: dict[str, str]
):
    answer = await desk.anyone.post("/auth/login", json=body)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "E-mail ou senha não conferem."


async def test_an_inactive_operator_is_out_at_once(desk: Desk):
    await desk.pool.execute("UPDATE operators SET active = false WHERE name = 'Bia'")
    assert (await desk.bia.get("/me")).status_code == 401
    login = {"email": "bia@loja.example", "password": PASSWORD}
    assert (await desk.anyone.post("/auth/login", json=login)).status_code == 401


async def test_an_access_token_lives_an_hour(desk: Desk):
    desk.clock.advance(timedelta(minutes=59))
    assert (await desk.ana.get("/me")).status_code == 200
    desk.clock.advance(timedelta(minutes=2))
    assert (await desk.ana.get("/me")).status_code == 401


async def test_a_refresh_token_is_good_once_and_its_reuse_ends_the_family(desk: Desk):
    first = desk.people["ana"].tokens["refresh_token"]
    second = (await desk.anyone.post("/auth/refresh", json={"refresh_token": first})).json()
    renewed = desk.client(second["access_token"])
    assert (await renewed.get("/me")).status_code == 200
    assert (
        await desk.anyone.post("/auth/refresh", json={"refresh_token": first})
    ).status_code == 401
    for token in (second["refresh_token"], first):
        again = await desk.anyone.post("/auth/refresh", json={"refresh_token": token})
        assert again.status_code == 401
    assert (await renewed.get("/me")).status_code == 401, "its access tokens end with the family"
    kinds = await desk.pool.fetch("SELECT action FROM audit WHERE action = 'auth.reuse'")
    assert len(kinds) == 1
    await renewed.aclose()


async def test_refresh_tokens_are_kept_only_as_hashes(desk: Desk):
    token = desk.people["ana"].tokens["refresh_token"]
    rows = await desk.pool.fetch("SELECT token_hash FROM refresh_tokens")
    assert rows
    assert all(
        token.encode() not in bytes(row["token_hash"]) and len(row["token_hash"]) == 32
        for row in rows
    )


async def test_logging_out_ends_the_session(desk: Desk):
    token = desk.people["bia"].tokens["refresh_token"]
    assert (
        await desk.anyone.post("/auth/logout", json={"refresh_token": token})
    ).status_code == 204
    assert (await desk.bia.get("/me")).status_code == 401
    assert (
        await desk.anyone.post("/auth/logout", json={"refresh_token": token})
    ).status_code == 204


@pytest.mark.parametrize(
    "kind", ["none", "other secret", "no session", "garbage", "foreign issuer"]
)
async def test_forged_tokens_are_refused(desk: Desk, kind: str):
    person = desk.people["ana"]
    claims = jwt.decode(person.tokens["access_token"], SECRET, algorithms=["HS256"])
    token = {
        "none": jwt.encode(claims, "", algorithm="none"),
        "other secret": jwt.encode(claims, "y" * 40, algorithm="HS256"),
        "no session": jwt.encode(
            {k: v for k, v in claims.items() if k != "sid"}, SECRET, algorithm="HS256"
        ),
        "garbage": "vtr_😀",
        "foreign issuer": jwt.encode(claims | {"iss": "other"}, SECRET, algorithm="HS256"),
    }[kind]
    headers = {b"Authorization": f"Bearer {token}".encode()}
    answer = await desk.anyone.get("/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_api_token_acts_as_its_operator_until_revoked(desk: Desk):
    token_id, token = await create_api_token(desk.pool, OperatorId(desk.people["bia"].id), "crm")
    program = desk.client(token)
    assert (await program.get("/me")).json()["name"] == "Bia"
    await revoke_api_token(desk.pool, token_id)
    assert (await program.get("/me")).status_code == 401
    await program.aclose()


async def test_guessing_a_password_is_slowed_by_address_and_email(desk: Desk):
    body = {"email": "ana@loja.example", "password": "errada"}
    codes = [(await desk.anyone.post("/auth/login", json=body)).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]
    refused = await desk.anyone.post("/auth/login", json=body)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    elsewhere = desk.client(address="10.0.0.9")
    assert (
        await elsewhere.post("/auth/login", json=body | {"password": PASSWORD})
    ).status_code == 200
    await elsewhere.aclose()


async def test_the_first_supervisor_is_seeded_once_and_a_changed_password_stays(desk: Desk):
    assert await seed_admin(desk.pool, "chefe@loja.example", PASSWORD) is Seeded.KEPT, (
        "there is one"
    )
    await desk.pool.execute("UPDATE operators SET active = false WHERE role = 'supervisor'")
    assert await seed_admin(desk.pool, "chefe@loja.example", "primeira senha") is Seeded.CREATED
    assert await seed_admin(desk.pool, "Chefe@loja.example", "primeira senha") is Seeded.KEPT
    assert await seed_admin(desk.pool, "chefe@loja.example", "segunda senha") is Seeded.RENEWED
    assert await find_by_password(desk.pool, "chefe@loja.example", "segunda senha") is not None
    await desk.pool.execute("UPDATE operators SET password_is_initial = false")
    assert await seed_admin(desk.pool, "chefe@loja.example", "terceira senha") is Seeded.KEPT
    assert await find_by_password(desk.pool, "chefe@loja.example", "terceira senha") is None
