from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from core.settings import Settings
from core.telemetry import start_traces

start_traces(Settings(_env_file=None), service="api")()
print(any(name.startswith("opentelemetry.sdk") for name in sys.modules))
"""


def test_nothing_is_loaded_without_an_endpoint() -> None:
    run = subprocess.run(  # noqa: S603  # our own interpreter, fixed arguments
        [sys.executable, "-c", SCRIPT], capture_output=True, check=True, text=True
    )

    assert run.stdout == "False\n"
