"""The commands, begun so that a signal ends them quietly from the first line on."""

import os
import sys

try:
    import signal
except KeyboardInterrupt:
    os._exit(130)


def _interrupted(number: int, frame: object) -> None:
    # At once: an exception in the middle of an import may come out as another, or be swallowed.
    os.write(2, b"interrupted\n")
    os._exit(130)


def main(train: bool = False) -> int:
    """Run the command line, as `train.py` if asked; return the exit status."""
    heard = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN  # ignored as by nohup: stays so
    if heard:
        signal.signal(signal.SIGINT, _interrupted)
    from trainer.commands import cli  # takes a moment, in which Ctrl-C may come

    try:
        return cli.train_main() if train else cli.main()
    except KeyboardInterrupt:
        _interrupted(signal.SIGINT, None)
        raise
    finally:  # nothing is left that a signal could spoil
        if heard:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
