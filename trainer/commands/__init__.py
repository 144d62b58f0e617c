"""What each command does; `trainer.commands.cli` imports the one that runs."""
