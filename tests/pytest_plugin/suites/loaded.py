"""A plugin that tells at the end what of mockscim, and of what it needs, was imported."""

import sys

NAMES = {"mockscim", "aiohttp", "orjson", "msgspec", "click", "scim2_filter_parser", "asyncio", "http.client", "ssl"}


def pytest_unconfigure():
    """After everything."""
    told = sorted(name for name in sys.modules if name in NAMES or name.startswith("mockscim."))
    print(f"\nloaded: {' '.join(told)}")
