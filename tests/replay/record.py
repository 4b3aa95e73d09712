"""Record the histories that ``test_replay`` replays.

Run ``python -m tests.replay.record`` after a change of a workflow that is meant to change its
commands, and commit what it writes beside the histories of the releases before. It starts the
embedded servers and the sandbox by the fixtures of the tests, lives through the paths below, and
writes one file for each workflow and path.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HISTORIES = Path(__file__).with_name("histories")

if __name__ == "__main__":
    scenarios = sorted(str(path) for path in HISTORIES.parent.glob("*paths.py"))
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", *scenarios]))
