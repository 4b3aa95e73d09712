"""Texts that are kept secret at rest are read with every key that is known."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from core.secret_text import SecretTexts, UnreadableSecretError

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_text_comes_back_and_looks_different_each_time() -> None:
    texts = SecretTexts([NEW])
    first, second = texts.encrypt("JBSWY3DP"), texts.encrypt("JBSWY3DP")

    assert first != second
    assert "JBSWY3DP" not in first
    assert texts.decrypt(first) == texts.decrypt(second) == "JBSWY3DP"


def test_old_key_reads_and_new_key_writes() -> None:
    stored = SecretTexts([OLD]).encrypt("JBSWY3DP")
    both = SecretTexts([NEW, OLD])

    assert both.decrypt(stored) == "JBSWY3DP"
    assert SecretTexts([NEW]).decrypt(both.encrypt("x")) == "x"
    with pytest.raises(UnreadableSecretError):
        SecretTexts([NEW]).decrypt(stored)


@pytest.mark.parametrize("stored", ["", "JBSWY3DP", "gAAAAA"])
def test_text_that_nobody_encrypted_is_not_read(stored: str) -> None:
    with pytest.raises(UnreadableSecretError):
        SecretTexts([NEW]).decrypt(stored)
