"""What tests of the commands share that is no fixture."""

from typing import NamedTuple

TOKEN = "for-tests"


class Done(NamedTuple):
    """What a command left behind, as of a process."""

    returncode: int
    stdout: str
    stderr: str


def good(process):
    """What a process wrote, when it ended well."""
    assert process.returncode == 0, process.stderr
    return process.stdout
