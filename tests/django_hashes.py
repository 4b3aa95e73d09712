"""Password hashes as Django itself makes them, with little work so that tests are quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import hashers

SALT = "Ab12Cd34Ef56Gh78"

if not settings.configured:
    settings.configure()


def _bcrypt(hasher: Any) -> Callable[[str], str]:
    hasher.rounds = 4
    return lambda password: str(hasher.encode(password, hasher.salt()))


def _argon2() -> Callable[[str], str]:
    hasher = hashers.Argon2PasswordHasher()
    hasher.time_cost, hasher.memory_cost, hasher.parallelism = 1, 8, 1
    return lambda password: str(hasher.encode(password, SALT))


def _pbkdf2(hasher: Any) -> Callable[[str], str]:
    return lambda password: str(hasher.encode(password, SALT, 1000))


MAKERS: Mapping[str, Callable[[str], str]] = {
    "pbkdf2_sha256": _pbkdf2(hashers.PBKDF2PasswordHasher()),
    "pbkdf2_sha1": _pbkdf2(hashers.PBKDF2SHA1PasswordHasher()),
    "argon2": _argon2(),
    "bcrypt_sha256": _bcrypt(hashers.BCryptSHA256PasswordHasher()),
    "bcrypt": _bcrypt(hashers.BCryptPasswordHasher()),
}
"""By the word at the beginning of the hash."""


def django_default(password: str | None) -> str:
    """Return what Django stores with its own settings; without a password, its word for none."""
    return str(hashers.make_password(password))
