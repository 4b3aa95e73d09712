from __future__ import annotations

import json
import subprocess
import sys

from core.logs import redact

SCRIPT = """
import logging, structlog
from core.logs import configure_logs
from core.settings import Settings

configure_logs(Settings(_env_file=None), service="api")
with structlog.contextvars.bound_contextvars(request_id="r-1"):
    structlog.get_logger("api").info("request", status=200, password="p")
    logging.getLogger("library").warning("careful %s", "now")
    structlog.get_logger("api").debug("never seen")
"""


def test_every_line_is_one_json_object_with_its_ids() -> None:
    run = subprocess.run(  # noqa: S603  # our own interpreter, fixed arguments
        [sys.executable, "-c", SCRIPT], capture_output=True, check=True, text=True
    )

    ours, theirs = (json.loads(line) for line in run.stderr.splitlines())
    assert (ours["event"], ours["level"], ours["service"]) == ("request", "info", "api")
    assert (ours["request_id"], ours["status"], ours["password"]) == ("r-1", 200, "[redacted]")
    assert (theirs["event"], theirs["logger"]) == ("careful now", "library")
    assert theirs["at"].endswith("Z")


def test_secrets_are_blanked_by_their_names() -> None:
    event = {"refresh_token": "a", "Authorization": "b", "api_key": "c", "sku": "d"}

    assert redact(None, "info", event) == {
        "refresh_token": "[redacted]",
        "Authorization": "[redacted]",
        "api_key": "[redacted]",
        "sku": "d",
    }


def test_card_number_is_blanked_wherever_it_is_in_a_text() -> None:
    event = {"event": "no card 4242 4242 4242 4242", "exception": "ValueError: 4242424242424242"}

    assert redact(None, "info", event) == {
        "event": "no card [card number]",
        "exception": "ValueError: [card number]",
    }
