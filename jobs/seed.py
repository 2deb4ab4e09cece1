"""What must be in the database before the first message: the account, the shards, the first people."""

from __future__ import annotations

import asyncpg
import structlog

from config.generated import sandbox_operators
from config.settings import Settings
from domain.errors import InvalidInputError
from domain.ids import new_id
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
    # WHATSAPP_FACADE_NUMBER is one of the ids, or the phone people see.
    named = settings.whatsapp_facade_number or ""
    by_id = named in settings.whatsapp_phone_number_ids
    await NumberStore(pool).seed(
        account_id=new_id(),
        facade_id=new_id(),
        name=settings.company_name,
        # Meta tells the portfolio nowhere in a webhook; one account is one portfolio until a second
        # account is added and says otherwise.
        portfolio_id=waba_id,
        waba_id=waba_id,
        secrets=seal.seal(secrets),
        facade_phone="" if by_id else named,
        facade_number=named if by_id else None,
        numbers=settings.whatsapp_phone_number_ids,
    )


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
