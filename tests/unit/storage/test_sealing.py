"""Secrets at rest: readable with their own key, and with no other."""

from __future__ import annotations

import pytest

from domain.errors import DefectError
from storage.sealing import Seal

SECRETS = {"access_token": "EAAB-token", "verify_token": "palavra com acentuação"}


def test_what_was_sealed_is_opened_with_the_same_key():
    assert Seal("uma chave").open(Seal("uma chave").seal(SECRETS)) == SECRETS


def test_no_secret_can_be_read_from_what_is_stored():
    sealed = Seal("uma chave").seal(SECRETS)
    assert b"EAAB" not in sealed
    assert sealed != Seal("uma chave").seal(SECRETS), "the same secrets do not look the same"


def test_another_key_opens_nothing_and_the_error_names_the_setting():
    sealed = Seal("uma chave").seal(SECRETS)
    with pytest.raises(DefectError, match="DATA_KEY"):
        Seal("outra chave").open(sealed)


def test_altered_bytes_are_not_opened():
    sealed = bytearray(Seal("uma chave").seal(SECRETS))
    sealed[40] ^= 1
    with pytest.raises(DefectError):
        Seal("uma chave").open(bytes(sealed))
