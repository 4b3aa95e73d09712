from __future__ import annotations

from pathlib import Path

from deploy.local.addresses import local_addresses
from deploy.local.part import PartEvent, PartPhase
from deploy.local.ports import Ports
from deploy.local.state import Phase, Problem, StackState, read_state

STATE = StackState(
    state=Phase.READY,
    supervisor_pid=41,
    ports=Ports(),
    addresses=local_addresses(Ports()),
    metrics_urls=("http://127.0.0.1:18080/metrics",),
    pids={"api": 42},
    demo={"customer": {"email": "ada@example.com", "password": "difference-engine"}},
)


def test_status_has_exactly_the_promised_keys() -> None:
    assert STATE.public() == {
        "state": "ready",
        "api_url": "http://127.0.0.1:18080",
        "temporal_address": "127.0.0.1:17233",
        "temporal_namespace": "default",
        "temporal_ui_url": "http://127.0.0.1:18233",
        "postgres_url": "postgresql://postgres@127.0.0.1:15432/perdure",
        "redis_url": "redis://127.0.0.1:16379/0",
        "sandbox_url": "http://127.0.0.1:18090",
        "metrics_urls": ["http://127.0.0.1:18080/metrics"],
        "pids": {"api": 42},
        "supervisor_pid": 41,
        "demo": {"customer": {"email": "ada@example.com", "password": "difference-engine"}},
    }


def test_written_state_is_read_back_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    event = PartEvent(part="api", phase=PartPhase.DIED, detail="died")
    state = STATE.after(event, {"api": 43})
    state.write(file)

    assert read_state(file) == state
    assert state.pids == {"api": 43}
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["stack.json"]


def test_problem_survives_the_file(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    problem = Problem(line="Port 1 is in use", hint="Stop it.", log_lines=("one", "two"))
    failed = StackState(
        state=Phase.FAILED,
        supervisor_pid=41,
        ports=Ports(),
        addresses=local_addresses(Ports()),
        metrics_urls=(),
        problem=problem,
    )
    failed.write(file)

    assert read_state(file) == failed


def test_state_of_another_release_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "stack.json"
    assert read_state(file) is None
    file.write_text('{"state": "ready"}')
    assert read_state(file) is None
    file.write_text("half a fi")
    assert read_state(file) is None
