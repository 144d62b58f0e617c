"""The commands: python -m trainer COMMAND."""

import sys

from trainer.commands.cli import main

if __name__ == "__main__":
    sys.exit(main())
