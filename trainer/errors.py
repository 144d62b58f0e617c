"""The two ways a command can end badly, apart from a bug."""


class UserError(Exception):
    """Something a person can mend: a wrong command, configuration or input file.

    The message is one line that says what is wrong, where, and how to mend it. Exit status 2.
    """


class RunFailed(Exception):
    """Something that failed while running: a full disk, a loss that diverged. Exit status 1."""
