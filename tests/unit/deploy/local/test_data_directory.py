from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.local.data_directory import DataDirectory, postgres_major
from deploy.local.errors import StackError


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    return DataDirectory(path=tmp_path / "data")


def _refusal(directory: DataDirectory) -> StackError:
    with pytest.raises(StackError) as raised:
        directory.prepare()
    return raised.value


def test_new_directory_is_stamped_and_accepted_again(directory: DataDirectory) -> None:
    directory.prepare()
    directory.prepare()

    stamp = json.loads((directory.path / "layout.json").read_text())
    assert stamp == {"layout": 1, "postgres": 18}
    assert postgres_major() == 18
    assert directory.path.stat().st_mode & 0o777 == 0o700


def test_directory_of_somebody_else_is_refused_and_untouched(directory: DataDirectory) -> None:
    directory.path.mkdir()
    (directory.path / "thesis.txt").write_text("years of work")

    error = _refusal(directory)

    assert error.line == f"{directory.path} is not empty and not a data directory of Perdure"
    assert error.hint == "Choose another one with --data-dir."
    assert [path.name for path in directory.path.iterdir()] == ["thesis.txt"]


def test_directory_of_another_postgres_is_refused(directory: DataDirectory) -> None:
    directory.prepare()
    (directory.path / "layout.json").write_text('{"layout": 1, "postgres": 17}')

    error = _refusal(directory)

    assert error.line == (
        f"The data directory {directory.path} was made by another release"
        " (it has {'layout': 1, 'postgres': 17}, this one needs {'layout': 1, 'postgres': 18})"
    )
    assert "perdure reset" in error.hint


def test_file_in_the_place_of_the_directory_is_refused(directory: DataDirectory) -> None:
    directory.path.write_text("a file")

    assert _refusal(directory).line == (
        f"The data directory {directory.path} cannot be used: File exists"
    )


def test_full_disk_is_refused_before_anything_starts(
    directory: DataDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = SimpleNamespace(free=100 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    assert _refusal(directory).line == (
        f"The disk of {directory.path} is full: 100 MiB are free, 512 MiB are needed"
    )


def test_second_supervisor_is_refused_while_the_first_holds_the_lock(
    directory: DataDirectory,
) -> None:
    directory.prepare()
    with directory.locked():
        assert directory.is_locked()
        with pytest.raises(StackError) as raised, directory.locked():
            pass
    assert raised.value.line == f"Perdure already runs in {directory.path}"
    assert not directory.is_locked()


def test_wipe_removes_only_what_is_ours(directory: DataDirectory, tmp_path: Path) -> None:
    directory.prepare()
    directory.wipe()
    assert not directory.path.exists()

    with pytest.raises(StackError, match="is not a data directory of Perdure"):
        DataDirectory(path=tmp_path).wipe()
    assert tmp_path.exists()


def test_wipe_of_a_running_stack_is_refused(directory: DataDirectory) -> None:
    directory.prepare()
    with directory.locked(), pytest.raises(StackError, match="already runs"):
        directory.wipe()
    assert (directory.path / "layout.json").exists()
