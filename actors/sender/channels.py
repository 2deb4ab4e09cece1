"""The Graph API channel of each physical number: its account's token over one shared HTTP client."""

from __future__ import annotations

from domain.ids import PhysicalNumberId
from integrations.whatsapp.client import GraphClient
from storage.accounts import Accounts


class AccountChannels:
    """Implements `Channels` and `NumberReaders`."""

    def __init__(self, accounts: Accounts, client: GraphClient) -> None:
        self._accounts = accounts
        self._client = client
        self._by_token: dict[str, GraphClient] = {}

    async def of(self, phone_number_id: PhysicalNumberId) -> GraphClient:
        """Raises TransientError while the number is not known."""
        secrets = await self._accounts.of_number(phone_number_id)
        channel = self._by_token.get(secrets.access_token)
        if channel is None:
            channel = self._client.with_token(secrets.access_token)
            self._by_token = {**self._by_token, secrets.access_token: channel}
        return channel
