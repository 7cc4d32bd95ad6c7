"""Microsoft Entra ID's provisioning service, simulated: what it sends, when, and what it makes of the answers.

It is pure. ``Job`` is the way in; whoever drives it brings the connection and the clock.
"""

from mockscim.provisioning.entra.connection import Connection
from mockscim.provisioning.entra.cycle import Cycle
from mockscim.provisioning.entra.job import SCOPES, Job
from mockscim.provisioning.entra.ondemand import OnDemand, OnDemandRun
from mockscim.provisioning.entra.phase import Item, Phase
from mockscim.provisioning.entra.settings import Settings, Thresholds
from mockscim.provisioning.entra.state import State

__all__ = [
    "SCOPES",
    "Connection",
    "Cycle",
    "Item",
    "Job",
    "OnDemand",
    "OnDemandRun",
    "Phase",
    "Settings",
    "State",
    "Thresholds",
]
