"""The two ways a command can end badly, apart from a bug."""


class _Told(Exception):
    """Told to a person in one line, whatever the names and values in it hold."""

    def __init__(self, message: object) -> None:
        super().__init__("\\n".join(str(message).splitlines()))


class UserError(_Told):
    """Something a person can mend: a wrong command, configuration or input file.

    The message is one line that says what is wrong, where, and how to mend it. Exit status 2.
    """


class RunFailed(_Told):
    """Something that failed while running: a full disk, a loss that diverged. Exit status 1."""
