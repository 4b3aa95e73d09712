from __future__ import annotations

import shlex

from deploy.cli.summary import curl_of_checkout


def test_printed_curl_survives_a_shell() -> None:
    command = curl_of_checkout("http://127.0.0.1:1", "t0ken", {"line1": "St James's Square"})
    words = shlex.split(command.replace("\\\n", ""))

    assert words[:3] == ["curl", "-sS", "http://127.0.0.1:1/v1/checkouts"]
    assert "Authorization: Bearer t0ken" in words
    assert words[-1] == '{"line1":"St James\'s Square"}'
