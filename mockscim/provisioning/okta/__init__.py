"""Okta's provisioning, simulated: what its SCIM client sends, when, and what an administrator sees of it.

``App`` is an application with its settings and its state; all it does is a plan that somebody else sends.
"""

from mockscim.provisioning.okta.app import App
from mockscim.provisioning.okta.connection import Connection
from mockscim.provisioning.okta.imports import Import, ImportedGroup, ImportedUser, ImportResult
from mockscim.provisioning.okta.outcome import Outcome
from mockscim.provisioning.okta.push import Item, Phase, Push
from mockscim.provisioning.okta.settings import PushRule, Settings, guesses
from mockscim.provisioning.okta.shapes import CONTENT_TYPE, HEADERS, TIMEOUT, masked
from mockscim.provisioning.okta.state import State, Task

__all__ = [
    "CONTENT_TYPE",
    "HEADERS",
    "TIMEOUT",
    "App",
    "Connection",
    "Import",
    "ImportResult",
    "ImportedGroup",
    "ImportedUser",
    "Item",
    "Outcome",
    "Phase",
    "Push",
    "PushRule",
    "Settings",
    "State",
    "Task",
    "guesses",
    "masked",
]
