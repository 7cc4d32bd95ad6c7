"""The command ``mockscim``, also as ``python -m mockscim``: what has to stand before anything else is imported."""

import os
import signal
import sys
from typing import NoReturn

_STANDARD_ERROR = 2


def main() -> NoReturn:
    """Run the command line; never returns."""
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted is signal.default_int_handler:
        # Whoever interrupts it now need not read which module was being imported.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    _fill_streams()
    from mockscim.cli import main as run  # noqa: PLC0415 - see above

    signal.signal(signal.SIGINT, interrupted)
    run()


def _fill_streams() -> None:
    """Open what is closed of the three standard streams: the next socket would get its number, and what is written."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        pass
    os.close(opened)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - for good


if __name__ == "__main__":
    main()
