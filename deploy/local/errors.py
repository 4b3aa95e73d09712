from __future__ import annotations


class StackError(Exception):
    """The embedded stack cannot do what was asked.

    ``str(error)`` is one line that says what is wrong; ``hint`` is one line that says what to do.
    """

    def __init__(self, line: str, *, hint: str, log_lines: tuple[str, ...] = ()) -> None:
        super().__init__(line)
        self.line = line
        self.hint = hint
        self.log_lines = log_lines
