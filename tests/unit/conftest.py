"""Unit tests open no socket; the event loop's own pair of UNIX sockets stays allowed."""

from __future__ import annotations

import pytest
from pytest_socket import disable_socket


def pytest_runtest_setup(item: pytest.Item) -> None:
    disable_socket(allow_unix_socket=True)
