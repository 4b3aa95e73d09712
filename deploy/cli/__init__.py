"""The command line ``perdure``. Heavy imports stay inside the commands, so that help is quick."""

from __future__ import annotations

import sys


def main() -> None:
    """Entry point of the script ``perdure``."""
    from core.secret_stores import SecretStoreError  # noqa: PLC0415  # importing the package stays free
    from deploy.cli.app import app  # noqa: PLC0415  # importing the package stays free
    from deploy.cli.console import print_error  # noqa: PLC0415
    from deploy.local.errors import StackError, explained  # noqa: PLC0415

    try:
        app()
    except StackError as error:
        print_error(error)
    except OSError as error:
        print_error(explained(error))
    except SecretStoreError as error:
        hint = "Where secrets come from is in docs/guides/secrets.md."
        print_error(StackError(str(error), hint=hint))
    else:
        return
    sys.exit(1)
