"""Where a process of this program begins and ends.

What the commands need is imported within the guard: Ctrl-C in the first tenth of a second is
answered like any other.
"""

import signal
import sys


def main() -> int:
    """Run a command; return the exit status. This is what an installation calls `trainer`."""
    return guarded("main")


def guarded(name: str) -> int:
    """Run a function of the command line; return the exit status, whatever interrupts it."""
    status = 130
    try:
        from trainer.commands import cli

        status = getattr(cli, name)()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
    except SystemExit as error:  # of argparse, which has said why
        status = error.code if isinstance(error.code, int) else 2
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's own end is not to be interrupted
    return status


if __name__ == "__main__":
    sys.exit(main())
