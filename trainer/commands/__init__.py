"""What each command does; `trainer.cli` imports the one that runs."""
