"""What must be in the database before the first message: the account, the shards, the first people."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import structlog

from config.generated import sandbox_operators
from config.settings import Settings, SettingsError
from domain.errors import InvalidInputError, RejectedError
from domain.ids import new_id
from domain.number import PhysicalNumber
from domain.phone import digits, display, same_number
from domain.scale import Part
from jobs.sandbox_seed import seed_company
from storage.actor_rows import ActorRows
from storage.connections import check_connections
from storage.numbers import NumberStore
from storage.operators import Role, create_operator, seed_admin
from storage.pool import open_pool
from storage.scale import ScaleStore
from storage.sealing import Seal

log = structlog.get_logger()


async def seed_house(settings: Settings) -> None:
    """Brings the settings' account, shards and first supervisor into the database; repeatable."""
    assert settings.database_url is not None  # noqa: S101 - `vitrine up` fills it in
    pool = await open_pool(settings.database_url.get_secret_value(), size=2, name="seed")
    try:
        await _seed_scale(pool, settings)
        await _seed_account(pool, settings)
        await _seed_people(pool, settings)
        if settings.sandbox_on and settings.sandbox_url:
            await seed_company(pool, settings.sandbox_url)
    finally:
        await pool.close()


async def _seed_account(pool: asyncpg.Pool, settings: Settings) -> None:
    waba_id = settings.whatsapp_business_account_id
    if waba_id is None or settings.data_key is None:
        return  # load_settings refuses this outside the sandbox; inside it both are made up
    seal = Seal(settings.data_key.get_secret_value())
    token, app_secret, verify_token = (
        value.get_secret_value() if value is not None else ""
        for value in (
            settings.whatsapp_access_token,
            settings.whatsapp_app_secret,
            settings.whatsapp_verify_token,
        )
    )
    secrets = {"access_token": token, "app_secrets": app_secret, "verify_token": verify_token}
    store = NumberStore(pool)
    numbers = settings.whatsapp_phone_number_ids
    named, phone = named_facade(
        settings.whatsapp_facade_number, numbers, await store.list_numbers()
    )
    try:
        await store.seed(
            account_id=new_id(),
            facade_id=new_id(),
            name=settings.company_name,
            # Meta tells the portfolio nowhere in a webhook; one account is one portfolio until a
            # second account is added and says otherwise.
            portfolio_id=waba_id,
            waba_id=waba_id,
            secrets=seal.seal(secrets),
            facade_phone=phone,
            facade_number=named,
            numbers=numbers,
        )
    except RejectedError as error:
        problem = (
            f"WHATSAPP_PHONE_NUMBER_IDS: {error}; aqui só cabem números da conta "
            f"WHATSAPP_BUSINESS_ACCOUNT_ID={waba_id}"
        )
        raise SettingsError((problem,)) from error


def named_facade(
    named: str | None, numbers: Sequence[str], known: Sequence[PhysicalNumber]
) -> tuple[str | None, str]:
    """WHATSAPP_FACADE_NUMBER as (the number's id or None, its phone's digits or "").

    It is one of the ids, or the phone people see. Raises SettingsError for a phone that is none of
    the known numbers' while the public number is known to have another.
    """
    if named is None or named in numbers:
        return named, ""
    phone = digits(named)
    ours = [n for n in known if n.phone_number_id in numbers]
    for number in ours:
        if number.display_phone and same_number(number.display_phone, phone):
            return number.phone_number_id, phone
    public = next((n for n in ours if n.is_facade and n.display_phone), None)
    if public is not None:
        problem = (
            f"WHATSAPP_FACADE_NUMBER: {named} não é o telefone de nenhum número conhecido "
            f"({', '.join(display(n.display_phone) for n in ours if n.display_phone)}); escreva o id "
            "do número, um dos WHATSAPP_PHONE_NUMBER_IDS"
        )
        raise SettingsError((problem,))
    return None, phone


async def _seed_scale(pool: asyncpg.Pool, settings: Settings) -> None:
    """The setting is the first wish only; buckets that have a shard move by `vitrine scale`."""
    counts = {Part.SHARDS: settings.conversation_shards, Part.WEBHOOK: 1, Part.API: 1}
    store = ScaleStore(pool)
    counts |= {part: scale.wanted for part, scale in (await store.list_parts()).items()}
    await check_connections(pool, settings, counts)
    await store.seed(counts)
    rows = ActorRows(pool)
    if not await rows.list_buckets():
        await rows.spread_buckets(settings.conversation_shards)


async def _seed_people(pool: asyncpg.Pool, settings: Settings) -> None:
    if settings.admin_email is not None and settings.admin_password is not None:
        seeded = await seed_admin(
            pool, settings.admin_email, settings.admin_password.get_secret_value()
        )
        log.info("admin.seeded", outcome=seeded)
    for one in sandbox_operators(settings):
        try:
            await create_operator(
                pool,
                email=one.email,
                name=one.name,
                role=Role(one.role),
                password=one.password.get_secret_value(),
                password_is_initial=True,
            )
        except InvalidInputError:
            continue  # made at an earlier start
