from __future__ import annotations

import pytest

from domain.ids import OperatorId, new_id
from storage.api_tokens import create_api_token
from tests.integration.api.desk import PASSWORD, Desk

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

DORA = {
    "email": "dora@loja.example",
    "name": "Dora",
    "role": "vendor",
    "password": "primeira senha dela",
}


async def test_a_supervisor_lets_a_person_in_who_chooses_a_password(desk: Desk):
    made = await desk.ana.post("/users", json=DORA)
    assert (made.status_code, made.json()["password_is_initial"]) == (201, True)
    assert "password" not in made.json()
    login = await desk.anyone.post(
        "/auth/login", json={"email": "DORA@loja.example", "password": DORA["password"]}
    )
    dora = desk.client(login.json()["access_token"])
    assert (await dora.get("/me")).json()["password_is_initial"] is True
    other = await desk.anyone.post(
        "/auth/login", json={"email": DORA["email"], "password": DORA["password"]}
    )
    elsewhere = desk.client(other.json()["access_token"])
    change = {"current_password": "não é esta", "new_password": "uma frase só dela"}
    assert (await dora.post("/me/password", json=change)).status_code == 422
    change["current_password"] = DORA["password"]
    assert (
        await dora.post("/me/password", json=change | {"new_password": "curta"})
    ).status_code == 422
    assert (await dora.post("/me/password", json=change)).status_code == 200
    assert (await dora.get("/me")).json()["password_is_initial"] is False
    assert (await elsewhere.get("/me")).status_code == 401, "whoever knew the old one is out"
    actions = await desk.pool.fetch(
        "SELECT action FROM audit WHERE action LIKE '%password' OR action LIKE 'user%'"
    )
    assert [row["action"] for row in actions] == ["user.create", "me.password"]
    for client in (dora, elsewhere):
        await client.aclose()


async def test_only_a_supervisor_sees_and_changes_people(desk: Desk):
    bia = desk.people["bia"].id
    assert [one["name"] for one in (await desk.ana.get("/users")).json()["items"]] == [
        "Ana",
        "Bia",
        "Caio",
    ]
    for client in (desk.bia, desk.caio):
        assert (await client.get("/users")).status_code == 403
        assert (await client.post("/users", json=DORA)).status_code == 403
        assert (await client.patch(f"/users/{bia}", json={"role": "supervisor"})).status_code == 403
    assert (await desk.anyone.get("/users")).status_code == 401
    assert (await desk.ana.patch(f"/users/{new_id()}", json={"active": False})).status_code == 404


async def test_somebody_switched_off_is_out_at_once(desk: Desk):
    bia = desk.people["bia"].id
    off = await desk.ana.patch(f"/users/{bia}", json={"active": False})
    assert (off.json()["active"], off.json()["online"]) == (False, False)
    assert (await desk.bia.get("/me")).status_code == 401
    again = await desk.anyone.post(
        "/auth/login", json={"email": "bia@loja.example", "password": PASSWORD}
    )
    assert again.status_code == 401
    assert (await desk.ana.patch(f"/users/{bia}", json={"active": True})).json()["active"] is True


async def test_the_last_supervisor_stays(desk: Desk):
    ana = desk.people["ana"].id
    for change in ({"active": False}, {"role": "agent"}):
        refused = await desk.ana.patch(f"/users/{ana}", json=change)
        assert refused.status_code == 409
        assert "última pessoa" in refused.json()["detail"]
    await desk.ana.patch(f"/users/{desk.people['caio'].id}", json={"role": "supervisor"})
    assert (await desk.ana.patch(f"/users/{ana}", json={"role": "agent"})).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [({"email": "dora"}, "body.email"), ({"name": " "}, "body.name"), ({"role": "boss"}, "body.role"),
     ({"password": "curta"}, "password"), ({"email": "ANA@loja.example"}, "email")],
)  # fmt: skip
async def test_a_wrong_person_is_refused_by_field(desk: Desk, change: dict[str, str], field: str):
    answer = await desk.ana.post("/users", json=DORA | change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)


async def test_a_program_changes_no_password(desk: Desk):
    _, token = await create_api_token(desk.pool, OperatorId(desk.people["ana"].id), "crm")
    program = desk.client(token)
    body = {"current_password": PASSWORD, "new_password": "outra frase comprida"}
    assert (await program.post("/me/password", json=body)).status_code == 403
    await program.aclose()


async def test_right_logins_are_not_counted_as_guesses(desk: Desk):
    right = {"email": "ana@loja.example", "password": PASSWORD}
    for _ in range(12):
        assert (await desk.anyone.post("/auth/login", json=right)).status_code == 200
    wrong = right | {"password": "chute"}
    codes = [(await desk.anyone.post("/auth/login", json=wrong)).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]
