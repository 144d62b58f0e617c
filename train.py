"""Train a model: python train.py CONFIG [section.key=value ...]."""

import sys

from trainer.commands.cli import train_main

if __name__ == "__main__":
    sys.exit(train_main())
