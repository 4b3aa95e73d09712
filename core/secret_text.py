"""Texts that are kept secret at rest and read back, such as the secrets of authenticators.

Fernet (AES-128-CBC and HMAC-SHA-256). The first key writes; the others only read, so a new key is
put in front, and an old one leaves when nothing is written with it any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from core.settings_people import AuthSettings


class SecretTexts:
    """Encrypts and decrypts; ``keys`` are 32 bytes each in URL-safe base64, the present one first.

    Raises:
        ValueError: a key is not one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def of(cls, settings: AuthSettings) -> Self:
        return cls([key.get_secret_value() for key in settings.encryption_keys])

    def encrypt(self, text: str) -> str:
        """Return what is stored; the same text gives another one each time."""
        return self._keys.encrypt(text.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """Return the text.

        Raises:
            UnreadableSecretError: no key of ours has written it.
        """
        try:
            return self._keys.decrypt(stored.encode()).decode()
        except InvalidToken as error:
            raise UnreadableSecretError from error


class UnreadableSecretError(Exception):
    """The key that it was written with is gone, or it was changed."""
