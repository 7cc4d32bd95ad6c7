"""The fixture under other plugins."""

import pytest

LOOP = "asyncio_default_fixture_loop_scope = function"


@pytest.mark.parametrize(
    ("names", "plugins", "ini", "passed"),
    [
        (["waiting:strict", "loops"], ["asyncio"], [LOOP], 6 + 9),
        (["waiting:auto"], ["asyncio"], [LOOP, "asyncio_mode = auto"], 6),
        (["waiting:auto", "application"], ["asyncio", "aiohttp"], [LOOP, "asyncio_mode = auto"], 6 + 2),
        (["waiting:anyio", "unittest"], ["anyio"], [], 5 * 2 + 1 + 5),
    ],
    ids=["pytest-asyncio strict", "pytest-asyncio auto", "pytest-aiohttp", "anyio and unittest"],
)
def test_asynchronous(suite, names, plugins, ini, passed):
    """The same suite under each way to run coroutines: the server's loop is none of theirs."""
    suite(*names, plugins=plugins, ini=ini).assert_outcomes(passed=passed)


def test_clients(suite):
    """200 tests of three clients under two plugins, in random order, on four workers."""
    names = [f"{client}:{mode}" for client in ("connector", "directory", "nightly") for mode in ("asyncio", "anyio")]
    result = suite(*names, plugins=["asyncio", "anyio", "xdist", "randomly"], ini=[LOOP], args=["-n4"])
    result.assert_outcomes(passed=200)
