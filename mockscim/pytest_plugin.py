"""The pytest plugin: a SCIM provider as the fixture ``scim``, in synchronous and asynchronous tests alike.

    def test_sync(scim):
        with scim.fault("lost_ack", operation="user.create", times=1):
            my_sync(scim.base_url, scim.token)
        scim.verify("user.create", committed=True, count=1)
        scim.check()

Each test has a fresh directory. The server runs in a thread of its own, or is the one that MOCKSCIM_URL names.
Nothing but pytest is imported before a test asks for it.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import sys
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from mockscim.client.desk import Desk, Loan
    from mockscim.client.mock import MockScim

_STRICT_FAULTS = "strict_faults"  # keyword of the marker and of scim_factory
_INI = "mockscim_strict_faults"
_SWEEP = "mockscim: sweeps that left something out"
_RANDOM = "random"
_RANDOM_SEED = "mockscim_seed"  # what xdist's workers know it as


class _Sweeps:
    """What ``scim.sweep`` asks of pytest: mockscim.client.sweeping.keep.Runner."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.only: tuple[str, ...] = tuple(config.option.mockscim_sweep or ())
        self.cache = getattr(config, "cache", None)

    @property
    def test(self) -> str:
        """The node id of the test that runs."""
        item = self._config.stash[_RUN].item
        return "" if item is None else item.nodeid

    def command(self, seed: int, *options: str) -> str:
        """What runs that test again."""
        item = self._config.stash[_RUN].item
        return "" if item is None else _command(item, seed, *options)

    def tell(self, text: str) -> None:
        """Say it at the end, also where the test passes."""
        self._config.stash[_RUN].told.append(text)


class _Run:
    """What this process knows of its run.

    Attributes:
        desk: lends servers; None before the first test that asks.
        item: the test that runs now.
        passed: whether its own code has.
        told: what it wants to have said at the end, passed or not.
        being_set_up: fixtures, with their requests, the innermost last.
        owners: whose each loan is: a test, or a fixture that several tests share.
    """

    def __init__(self) -> None:
        self.desk: Desk | None = None
        self.item: pytest.Item | None = None
        self.passed = False
        self.told: list[str] = []
        self.being_set_up: list[tuple[pytest.FixtureDef[Any], pytest.FixtureRequest]] = []
        self.owners: dict[Loan, pytest.Item | pytest.FixtureDef[Any]] = {}

    def of(self, item: pytest.Item) -> list[Loan]:
        """The loans that a test has a part in."""
        return [loan for loan, owner in self.owners.items() if _has_part(item, owner)]


_RUN = pytest.StashKey[_Run]()


def _has_part(item: pytest.Item, owner: pytest.Item | pytest.FixtureDef[Any]) -> bool:
    if isinstance(owner, pytest.Item):
        return owner is item
    return owner.argname in getattr(item, "fixturenames", ()) and item.nodeid.startswith(owner.baseid)


# -- fixtures ----------------------------------------------------------------------------------------------------


@pytest.fixture
def scim(
    request: pytest.FixtureRequest,
    scim_profile: Any,  # noqa: ANN401 - what MockScim takes
    scim_fixture: Any,  # noqa: ANN401
    scim_seed: int | None,
    scim_options: dict[str, Any],
) -> Iterator[MockScim]:
    """A SCIM provider, fresh for this test: a MockScim that has been started.

    What it is told comes from the fixtures scim_profile, scim_fixture, scim_seed and scim_options, which may be
    overridden, and from ``@pytest.mark.mockscim(profile=…, fixture=…, seed=…, strict=…)``, which wins.
    """
    given = {"profile": scim_profile, "fixture": scim_fixture, "seed": scim_seed}
    options = {**scim_options, **{name: value for name, value in given.items() if value is not None}}
    wrong = ""
    try:
        loan = _lend(request.config, "scim", {**options, **_marked(request.node)}, request.node)
    except (TypeError, ValueError, OSError) as error:
        wrong = str(error)
    if wrong:  # which is what there is to know: a traceback through mockscim would hide it
        _fail(f"scim: {wrong}")
    yield loan.scim
    _end(request.config, loan)


@pytest.fixture(scope="session")
def scim_factory(request: pytest.FixtureRequest) -> Callable[..., MockScim]:
    """Makes further SCIM providers: ``scim_factory(profile="segment", fixture="people.json")``, started.

    Each lives as long as the fixture that asks for it, whatever its scope, or as the test that does. It takes all
    options of MockScim, and ``strict_faults``.
    """
    config = request.config

    def make(**options: Any) -> MockScim:  # noqa: ANN401
        run = config.stash[_RUN]
        if config.option.mockscim_seed is not None:
            options = {"seed": config.option.mockscim_seed, **options}
        assert run.item is not None  # noqa: S101 - who calls is a test or its fixture
        owner: pytest.Item | pytest.FixtureDef[Any] = run.item
        if not run.being_set_up:
            loan = _lend(config, "scim_factory", options, owner)
            run.item.addfinalizer(lambda: _end(config, loan))
            return loan.scim
        fixture, its = run.being_set_up[-1]
        if its.scope != "function":
            owner = fixture
        loan = _lend(config, fixture.argname, options, owner)
        its.addfinalizer(lambda: _end(config, loan))
        return loan.scim

    return make


@pytest.fixture(scope="session")
def scim_profile() -> Any:  # noqa: ANN401
    """The profile of ``scim``: override it to return a name, a path or a mapping; None for the fixture's own."""
    return None


@pytest.fixture(scope="session")
def scim_fixture() -> Any:  # noqa: ANN401
    """What the directory of ``scim`` begins with: override it to return a path, a bundled name or a document."""
    return None


@pytest.fixture(scope="session")
def scim_seed(pytestconfig: pytest.Config) -> int | None:
    """The seed of ``scim``: what --mockscim-seed says; None for the scenario's, or 0."""
    seed: int | None = pytestconfig.option.mockscim_seed
    return seed


@pytest.fixture(scope="session")
def scim_options() -> dict[str, Any]:
    """All else that ``scim`` is told: override it to return options of MockScim."""
    return {}


def _marked(item: pytest.Item) -> dict[str, Any]:
    """What the marker says, on the test or around it; the nearest wins.

    Raises:
        TypeError: something that it does not know.
    """
    from mockscim.client.desk import check_keywords  # noqa: PLC0415

    options: dict[str, Any] = {}
    for marker in item.iter_markers("mockscim"):
        if marker.args:
            raise TypeError(f"@pytest.mark.mockscim takes keywords only, not {marker.args[0]!r}: profile=…, fixture=…")
        check_keywords(marker.kwargs, "@pytest.mark.mockscim")
        options = {**marker.kwargs, **options}
    return options


def _lend(
    config: pytest.Config, title: str, options: dict[str, Any], owner: pytest.Item | pytest.FixtureDef[Any]
) -> Loan:
    """Lend a server to a test or a fixture."""
    run = config.stash[_RUN]
    if run.desk is None:
        from mockscim.client.desk import Desk  # noqa: PLC0415 - with all that a server needs

        run.desk = Desk()
        config.add_cleanup(run.desk.close)
    strict = options.pop(_STRICT_FAULTS, config.getini(_INI) or options.get("strict", False))
    loan = run.desk.lend(title, options, strict_faults=bool(strict))
    run.owners[loan] = owner
    loan.scim.runner = _Sweeps(config)
    return loan


def _hide_frames() -> None:
    """Let tracebacks end at the test's own line where what MockScim raises is meant for it; --full-trace shows all."""
    told = (AssertionError, LookupError, TypeError, ValueError, RuntimeError, OSError)
    for name, module in list(sys.modules.items()):
        if name.startswith("mockscim."):
            vars(module)["__tracebackhide__"] = lambda info: isinstance(info.value, told)


def _end(config: pytest.Config, loan: Loan) -> None:
    """End a loan; a test that has passed fails if something went wrong that it did not see."""
    noticed = loan.noticed()
    loan.end()
    if noticed and config.stash[_RUN].passed:
        _fail("\n".join(f"{loan.title}: {each}" for each in noticed))


def _fail(text: str) -> NoReturn:
    from mockscim.client.report import folded  # noqa: PLC0415

    pytest.fail("\n".join(part for line in text.split("\n") for part in folded(line)), pytrace=False)


# -- hooks -------------------------------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--mockscim-seed``, ``--mockscim-sweep``, and what the configuration may say."""
    group = parser.getgroup("mockscim", "SCIM providers (mockscim)")
    group.addoption(
        "--mockscim-seed",
        type=_seed,
        metavar="N",
        help="the seed of every SCIM provider whose test does not say one; random: another one each time, told at "
        "the top. Without it that of the scenario, else 0",
    )
    group.addoption(
        "--mockscim-sweep",
        action="append",
        metavar="CASE",
        help="of each sweep only these cases: 7:after:reset, 7 (all of that request), or failed (those that failed the "
        "last time, by pytest's cache); may be given several times",
    )
    parser.addini(_INI, "fail tests that ask SCIM providers for a fault that never strikes", type="bool", default=False)


def _seed(text: str) -> int | str:
    try:
        return text if text == _RANDOM else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a whole number or random was expected, not {text!r}") from None


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and draw the seed of the run where it is to be random: once for all workers of xdist."""
    config.stash[_RUN] = _Run()
    if config.option.mockscim_seed == _RANDOM:
        told = getattr(config, "workerinput", {}).get(_RANDOM_SEED)
        config.option.mockscim_seed = random.SystemRandom().getrandbits(32) if told is None else told
    config.addinivalue_line(
        "markers",
        "mockscim(profile, fixture, seed, strict, strict_faults, ...): what the fixture scim is told: options of "
        "MockScim (strict: refuse whatever the RFCs refuse), and strict_faults, which strict brings along: fail if a "
        "fault never strikes",
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist's
    """Tell a worker of xdist the seed that was drawn."""
    node.workerinput[_RANDOM_SEED] = node.config.option.mockscim_seed


def pytest_report_header(config: pytest.Config) -> str | None:
    """The seed, where one is given."""
    seed = config.option.mockscim_seed
    return None if seed is None else f"mockscim: --mockscim-seed={seed}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember which test runs, and where the journals of providers that several tests share are when it begins."""
    run = item.config.stash[_RUN]
    run.item, run.passed, run.told = item, False, []
    for loan in run.of(item):
        loan.begin_test()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Generator[None]:
    """Remember which fixture is being set up, for whatever it asks scim_factory for is its own."""
    being_set_up = request.config.stash[_RUN].being_set_up
    being_set_up.append((fixturedef, request))
    try:
        return (yield)
    finally:
        being_set_up.pop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell what its providers know where a test fails, and have back those that are not needed any more."""
    if call.excinfo is not None:
        _hide_frames()
    report = yield
    run = item.config.stash[_RUN]
    if run.desk is None:
        return report
    if call.when == "call":
        run.passed = report.passed
        report.sections += [(_SWEEP, text) for text in run.told]
    if report.failed and not _says_all(call):
        for loan in run.of(item):
            report.sections.append((f"mockscim: {loan.title}", _told(item, loan)))
    if call.when == "teardown":
        for loan in [loan for loan in run.owners if loan.ended]:
            run.desk.release(loan)
            del run.owners[loan]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What sweeps left out, whose tests have passed all the same."""
    told = [
        (report.nodeid, text)
        for report in terminalreporter.getreports("passed")
        for name, text in report.sections
        if name == _SWEEP
    ]
    if told:
        terminalreporter.section(_SWEEP)
    for nodeid, text in told:
        terminalreporter.line(nodeid)
        terminalreporter.line("\n".join(f"  {line}" for line in text.split("\n")))


def _says_all(call: pytest.CallInfo[None]) -> bool:
    """Whether the failure itself tells what there is to know: of a sweep the server knows the last run only."""
    return call.excinfo is not None and getattr(call.excinfo.value, "mockscim_told", False)


def _told(item: pytest.Item, loan: Loan) -> str:
    try:
        return loan.text(_command(item, loan.seed()))
    except Exception as error:  # noqa: BLE001 - a report of one failure must not become another
        return f"what happened there cannot be told: {type(error).__name__}: {error}"


def _command(item: pytest.Item, seed: int | None, *options: str) -> str:
    """The command that runs this test again, from the folder where pytest was called."""
    option, (path, *names) = item.config.option, item.nodeid.split("::")
    path = os.path.relpath(item.config.rootpath / path, item.config.invocation_params.dir)
    parts = ["pytest", "::".join([path, *names])]
    if seed is not None:
        parts.append(f"--mockscim-seed={seed}")
    parts += options
    if isinstance(getattr(option, "randomly_seed", None), int):  # pytest-randomly: the order, and random's state
        parts.append(f"--randomly-seed={option.randomly_seed}")
    url = os.environ.get("MOCKSCIM_URL")
    return f"{f'MOCKSCIM_URL={shlex.quote(url)} ' if url else ''}{shlex.join(parts)}"
