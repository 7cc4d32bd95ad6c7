"""The simulated provisioning services at work: what sends, waits, keeps files and shows.

The plans are in ``mockscim.provisioning`` and are pure; here is everything that touches the world. Names are imported
when they are first used: whoever only reads a log does not wait for an HTTP client.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockscim.provision.blocking import BlockingEntra, BlockingOkta
    from mockscim.provision.entra import Entra, NotRunningError
    from mockscim.provision.files import FileError
    from mockscim.provision.okta import Okta
    from mockscim.provision.report import Report
    from mockscim.provision.target import TargetError

__all__ = [
    "BlockingEntra",
    "BlockingOkta",
    "Entra",
    "FileError",
    "NotRunningError",
    "Okta",
    "Report",
    "TargetError",
]

_HOMES = {
    "BlockingEntra": "blocking",
    "BlockingOkta": "blocking",
    "Entra": "entra",
    "FileError": "files",
    "NotRunningError": "entra",
    "Okta": "okta",
    "Report": "report",
    "TargetError": "target",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name in _HOMES:
        return getattr(import_module(f"mockscim.provision.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'mockscim.provision' has no attribute {name!r}")
