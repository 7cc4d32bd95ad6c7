"""The sweep within suites: sub-tests, the decorator, what failed the last time, and how it is asked for."""

import inspect
import pkgutil
import unittest
from importlib import import_module

import pytest
from provisioners import NAMES, careful, careless
from test_mock_messages import same

import mockscim
from mockscim import MockScim

pytest_plugins = ["pytester"]

CLIENT = """
import http.client, json, pytest, mockscim

def create(scim, name):
    address, _, base = scim.base_url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(address, timeout=0.1)
    try:
        connection.request("POST", f"/{base}/Users", json.dumps({"userName": name}), {
            "Authorization": f"Bearer {scim.token}", "Content-Type": "application/scim+json"})
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()

def careless(scim):
    for name in ("ann@example.com", "bea@example.com"):
        create(scim, name)
"""


@pytest.fixture(scope="module")
def all_imported():
    """Import what a server and a sweep need: what is imported first in a suite within this one is there twice after."""
    for name in ("client", "server", "invariants", "scim", "faults", "fixtures"):
        package = import_module(f"mockscim.{name}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)


@pytest.fixture
def suite(pytester, all_imported, monkeypatch):
    """Write a suite and run it with mockscim's plugin: ``suite(tests, *options)``; what came of it."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # where mockscim is installed, its plugin is there twice
    plugin = import_module("mockscim.pytest_plugin")

    def run(tests, *options):
        pytester.makepyfile(test_it=CLIENT + tests)
        return pytester.runpytest_inprocess(*options, plugins=[plugin])

    return run


PLAIN = """
def test_plain(scim, subtests):
    scim.sweep(careless, "after", ("503", "reset"), subtests=subtests)
"""


def test_each_case_is_a_sub_test(suite):
    """Those that break fail, the others pass; the test fails with the table and how one is run again."""
    result = suite(PLAIN, "-v")
    result.assert_outcomes(failed=5)
    text = result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "*SUBFAILED*1:after:503*",
            "*I2 no orphans:*",
            "*sweep: 4 of 4 cases broke something (2 requests x after x 503, reset; seed 0)*",
            "*reproduce:",
            "*  pytest test_it.py::test_plain --mockscim-seed=0 --mockscim-sweep=1:after:503",
        ]
    )
    assert text.count("I2 no orphans:") == 4  # told by each sub-test once, and by nothing else
    assert "mockscim: scim" not in text
    assert "def raise_for_findings" not in text


def test_failed_cases_are_run_again_alone(suite):
    """``--mockscim-sweep=failed`` runs those that are in pytest's cache; a case's name runs that one."""
    suite(PLAIN)
    result = suite(PLAIN, "-v", "--mockscim-sweep=failed")
    assert result.stdout.str().count("SUBFAILED") >= 4
    mended = PLAIN.replace("scim.sweep", 'careless = lambda: create(scim, "ann@example.com"); scim.sweep')
    result = suite(mended.replace('"reset"', '"drop"'), "-v", "--mockscim-sweep=failed")
    result.stdout.fnmatch_lines(
        ["*sweep: 1 of 1 cases broke something*", "*no longer there: 1:after:reset, 2:after:503*"]
    )
    result = suite(PLAIN, "-v", "--mockscim-sweep=2:after:reset", "--mockscim-sweep=1:after")
    result.stdout.fnmatch_lines(["*sweep: 3 of 3 cases broke something*"])
    result = suite(PLAIN, "--mockscim-sweep=9")
    result.stdout.fnmatch_lines(["*ValueError: the sweep has no case '9': one is written 7:after:reset*"])


def test_without_the_cache_nothing_is_kept(suite):
    """A run with ``-p no:cacheprovider`` sweeps all the same, and ``failed`` means all again."""
    for options in ((), ("--mockscim-sweep=failed",)):
        result = suite(PLAIN, "-p", "no:cacheprovider", *options)
        result.stdout.fnmatch_lines(["*sweep: 4 of 4 cases broke something*"])


def test_two_sweeps_of_one_test_are_kept_apart(suite):
    """Each has the cases that failed in it."""
    tests = """
def test_two(scim):
    print("first:", scim.sweep(careless, "after", "503", check=False).table())
    print("second:", scim.sweep(lambda: create(scim, "ann@example.com"), "before", "503", check=False).table())
"""
    suite(tests)
    result = suite(tests, "-s", "--mockscim-sweep=failed")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*first: sweep: 2 of 2 cases broke something*", "*second: sweep: no case was run*"])


def test_the_decorator_makes_a_test_a_sweep(suite):
    """The body is the client's run; other fixtures come along, in any test: a function, a method, a parameter's."""
    result = suite(
        """
@pytest.fixture
def names():
    return ["ann@example.com", "bea@example.com"]

@mockscim.sweep
def test_bare(scim):
    create(scim, "ann@example.com")

@mockscim.sweep(phases="before", outcomes=("503", "reset"))
def test_with(scim, names):
    for name in names:
        create(scim, name)

class TestClass:
    @pytest.mark.parametrize("name", ["ann@example.com", "bea@example.com"])
    @mockscim.sweep(outcomes="503")
    @pytest.mark.mockscim(seed=9)
    def test_method(self, name, scim, request):
        assert request.node.name.startswith("test_method[") and scim.facts()["seed"] == 9
        create(scim, name)

@mockscim.sweep(outcomes="503")
def test_other(scim_factory, tmp_path, *, scim=None):
    pass

@pytest.fixture
def directory(scim_factory):
    return scim_factory(seed=3)

@mockscim.sweep(phases="before", outcomes="503")
def test_of_the_factory(directory):
    create(directory, "ann@example.com")
""",
        "-v",
    )
    result.assert_outcomes(passed=2, failed=9)
    result.stdout.fnmatch_lines(
        [
            "*sweep: 3 of 6 cases broke something (1 request x before, after x 503, reset, hang; seed 0)*",
            "*sweep: 1 of 2 cases broke something (1 request x before, after x 503; seed 9)*",
            "*  pytest 'test_it.py::TestClass::test_method[[]ann@example.com]' --mockscim-seed=9 *",
            "*    --mockscim-sweep=1:after:503",
            "*TypeError: @mockscim.sweep: test_other takes no MockScim: let it take the fixture scim*",
        ]
    )


def test_the_decorator_takes_coroutine_functions(suite):
    """Under pytest-asyncio, which drives the wrapper, and under anyio with trio."""
    asyncio = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")
    result = suite(
        """
import anyio.to_thread

@pytest.mark.asyncio
@mockscim.sweep(phases="before", outcomes=("503", "reset"))
async def test_asyncio(scim):
    await anyio.to_thread.run_sync(careless, scim)

@mockscim.sweep(phases="after", outcomes="503")
@pytest.mark.asyncio
async def test_findings(scim):
    await anyio.to_thread.run_sync(careless, scim)

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@mockscim.sweep(phases="before", outcomes="reset")
async def test_anyio(scim, anyio_backend_name):
    await anyio.to_thread.run_sync(careless, scim)
""",
        *asyncio,
        "-p",
        "anyio",
    )
    result.assert_outcomes(passed=3, failed=3)
    result.stdout.fnmatch_lines(["*AssertionError: sweep: 2 of 2 cases broke something (2 requests x after x 503; *"])


def test_skips_and_strict_faults_are_as_ever(suite):
    """A body that skips skips the test; faults that were asked for around a sweep are not said to have missed."""
    result = suite(
        """
@mockscim.sweep
def test_skipped(scim):
    pytest.skip("not today")

@pytest.mark.mockscim(strict_faults=True)
def test_strict(scim):
    with scim.fault("latency", delay=0):
        scim.sweep(careless, "before", "503")
"""
    )
    result.assert_outcomes(passed=1, skipped=1)


def test_without_sub_tests_the_decorator_reports_once(suite):
    """Where pytest has no fixture ``subtests``, the test itself tells everything."""
    result = suite(
        '@mockscim.sweep(phases="after", outcomes="503")\ndef test_it(scim):\n    careless(scim)\n', "-p", "no:subtests"
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*sweep: 2 of 2 cases broke something*", "*I2 no orphans:*"])


def test_the_decorated_test_keeps_its_name_and_signature():
    """Other tools see the test as it was, and the ``request`` that it takes besides."""

    @mockscim.sweep(outcomes="503")
    def test_synchronise(scim, *more, client=None, **others):
        """It arrives."""

    assert test_synchronise.__name__ == "test_synchronise"
    assert test_synchronise.__doc__ == "It arrives."
    assert str(inspect.signature(test_synchronise)) == "(scim, *more, client=None, request, **others)"


def test_unittest_has_sub_tests_as_well():
    """``subtests=self`` reports each case by ``subTest``."""

    class Cases(unittest.TestCase):
        def test_it(self):
            with MockScim.threaded() as scim:
                scim.sweep(careless, "after", "503", subtests=self)

        def test_well(self):
            with MockScim.threaded() as scim:
                scim.sweep(careful, "after", "503", subtests=self)

    found = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Cases).run(found)
    assert found.errors == []
    told = [str(test) for test, _ in found.failures]
    assert [name.rpartition(" ")[2] for name in told][:2] == ["[1:after:503]", "[2:after:503]"]
    assert len(told) == 3


def test_the_report_of_sub_tests_is_short():
    """With sub-tests the test itself tells the table and how to go on, not the first case again."""
    with MockScim.threaded(seed=7, clock="virtual") as scim:
        result = scim.sweep(careless, "after", "503", check=False)
        same("sweep-short", result.report(detail=False))
        assert NAMES[0] in result.runs[0].text()


def test_what_a_budget_leaves_out_is_said_of_tests_that_pass(suite):
    """In the summary, by the test; nothing is said of a sweep that ran all, and one that ran none fails."""
    result = suite(
        """
import time

def slow(scim):
    if 503 in [create(scim, name) for name in ("ann@example.com", "bea@example.com")]:
        time.sleep(1)

def test_some(scim):
    scim.sweep(lambda: slow(scim), "before", "503", budget="1s", desired={"users": []}, invariants="I1")

@mockscim.sweep(outcomes="503", phases="before", desired={"users": []}, invariants="I1")
def test_all(scim):
    create(scim, "ann@example.com")

def test_none(scim):
    scim.sweep(careless, "after", "503", budget="1ms")

@mockscim.sweep(operation="group.*")
def test_untouched(scim):
    create(scim, "ann@example.com")
""",
        "-rN",
    )
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*the budget of 1ms was used up before the first case*",
            "*no request of the clean run is one of group.[*]: it sent user.create*",
            "*= mockscim: sweeps that left something out =*",
            "test_it.py::test_some",
            "  sweep: the case held (2 requests x before x 503; seed 0)",
            "  left out: 1 case, the budget of 1s is spent: ?:before:503",
        ]
    )
    assert "\ntest_it.py::test_all\n" not in result.stdout.str()
