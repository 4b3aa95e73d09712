from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import astuple, replace

import pytest

from deploy.local.errors import StackError
from deploy.local.ports import LOOPBACK, free_ports, is_free, require_free


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_port_with_a_listener_is_not_free(taken_port: int) -> None:
    assert not is_free(taken_port)


def test_free_ports_are_distinct_and_free() -> None:
    ports = astuple(free_ports())
    assert len(set(ports)) == len(ports)
    assert all(is_free(port) for port in ports)


def test_remembered_ports_are_kept_except_the_taken_one(taken_port: int) -> None:
    remembered = replace(free_ports(), temporal=taken_port)
    chosen = free_ports(keep=remembered)
    assert chosen.temporal != taken_port
    assert replace(chosen, temporal=taken_port) == remembered


def test_taken_port_is_an_error_that_names_its_owner(taken_port: int) -> None:
    ports = replace(free_ports(), temporal_ui=taken_port)
    with pytest.raises(StackError) as raised:
        require_free(ports, ("api", "temporal_ui"))
    assert raised.value.line.startswith(
        f"Port {taken_port} (temporal ui) is in use by process {os.getpid()} ("
    )
    assert raised.value.hint == "Stop it, or start with --ports auto to choose free ports."


def test_taken_port_of_a_part_that_runs_elsewhere_does_not_matter(taken_port: int) -> None:
    require_free(replace(free_ports(), postgres=taken_port), ("api", "valkey"))
