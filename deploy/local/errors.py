from __future__ import annotations

import errno


class StackError(Exception):
    """The embedded stack cannot do what was asked.

    ``str(error)`` is one line that says what is wrong; ``hint`` is one line that says what to do.
    """

    def __init__(self, line: str, *, hint: str, log_lines: tuple[str, ...] = ()) -> None:
        super().__init__(line)
        self.line = line
        self.hint = hint
        self.log_lines = log_lines


def explained(error: OSError) -> StackError:
    """What a failed file operation means to a person."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return StackError(
            f"The disk is full{where}", hint="Make room, or choose another disk with --data-dir."
        )
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StackError(
            f"No permission{where}", hint="Check who owns the data directory, or use --data-dir."
        )
    return StackError(f"{error}", hint="The logs are in the folder logs of the data directory.")
