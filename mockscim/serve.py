"""``mockscim serve``: from settings to a running server, and its end.

    settings → host allowed? → bind → profile, fixtures, faults → listen → ready line → signal → cut waits → close

Nothing is listened on before everything is loaded, and what is wrong with a setting is one line that says how to
go on.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import importlib
import ipaddress
import logging
import os
import re
import secrets
import shlex
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from mockscim import fixtures, log, profiles
from mockscim.clock import Clock
from mockscim.durations import parse_duration, parse_size
from mockscim.ending import Stop, watch_stdin
from mockscim.faults import FaultError, Scenario, compile_rules, latency_rule, parse_spec, read_scenario
from mockscim.fixtures import Fixture
from mockscim.log import LogMode
from mockscim.persist import PersistError
from mockscim.server.address import TOKEN
from mockscim.server.app import ScimServer, create_server
from mockscim.server.auth import parse_login
from mockscim.server.door import Door, bound
from mockscim.server.oauth import parse_client
from mockscim.server.options import Options, fixed_base, head_limit, time_out
from mockscim.tables import printable
from mockscim.tenant import Start
from mockscim.tls import Tls, prepared
from mockscim.version import __version__

_BACKLOG = 1024
_MOST_FILES = 65_536
# Requests in flight have been cut by then; this is for what does not let go, such as a client that does not read.
_SHUTDOWN_SECONDS = 0.2
_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - told apart, not bound

_log = logging.getLogger("mockscim")


class SettingsError(ValueError):
    """Settings that do not make a server; the text is one line that names the option."""


@dataclass(frozen=True)
class Settings:
    """What ``mockscim serve`` was told, as it was written; the options' own names."""

    host: str = "127.0.0.1"
    port: int = 8080
    profile: str | None = None
    fixture: tuple[str, ...] = ()
    faults: str | None = None
    fault: tuple[str, ...] = ()
    latency: str | None = None
    token: tuple[str, ...] = field(default=(), repr=False)
    basic: tuple[str, ...] = field(default=(), repr=False)
    oauth_client: tuple[str, ...] = field(default=(), repr=False)
    token_ttl: str = "1h"  # noqa: S105 - a duration
    no_auth: bool = False
    admin_token: str | None = field(default=None, repr=False)
    allow_host: tuple[str, ...] = ()
    base_url: str | None = None
    tls: str | None = None
    strict: bool = False
    accept: tuple[str, ...] = ()
    refuse: tuple[str, ...] = ()
    require_if_match: bool = False
    seed: int | None = None
    clock: str = "real"
    max_body: str = "1MiB"
    max_head: str = "128KiB"
    read_timeout: str = "1m"
    idle_timeout: str = "1h"
    persist: str | None = None
    exit_with_stdin: bool = False
    log: LogMode = "warnings"


class Ready(NamedTuple):
    """What a client needs to know; addresses without a slash at the end.

    ``ca`` is the PEM file that makes it trust a certificate made for this run; ``token_url`` is where an OAuth client
    has its tokens from. None where there is none.
    """

    base_url: str
    admin_url: str
    token: str | None
    profile: str
    seed: int
    pid: int
    ca: str | None = None
    token_url: str | None = None


def settle() -> None:
    """Spare the garbage collector what stays, and most of its rounds; called once all is loaded.

    It need not look at a million resources again and again. What requests leave behind is no garbage but the journal,
    and hardly anything is circular: looking for circles every 700 objects costs a tenth of each request. Nor is what
    was loaded, so nothing is collected first.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, or until standard input ends where that was asked for.

    Raises:
        SettingsError: something given cannot be used; nothing was listened on.
    """
    with Stop() as stop:
        log.configure(settings.log)
        _serve(checked(settings), stop)


def _serve(settings: Settings, stop: Stop) -> None:
    if settings.exit_with_stdin:
        with _option("--exit-with-stdin"):
            watch_stdin()
    if settings.no_auth and not _is_loopback(settings.host):
        _log.warning("no token is asked for (--no-auth): whoever reaches %s may read and change all", settings.host)
    with ExitStack() as stack:
        _allow_connections()
        sockets = bind(settings.host, settings.port)
        stack.callback(_close, sockets)
        server = build(settings)
        stack.callback(server.close)
        tls = _tls(settings, server, stack)
        if settings.log in ("text", "json"):
            server.on_exchange = log.tell_json if settings.log == "json" else log.tell_text
        settle()
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(server, settings, sockets, stop, tls))


# -- settings ------------------------------------------------------------------------------------------------------


def checked(settings: Settings) -> Settings:
    """The settings with a token made where none was given, once it is clear that they may be served.

    Raises:
        SettingsError: as it says.
    """
    host = settings.host.strip().removeprefix("[").removesuffix("]")
    if not host:
        raise SettingsError("--host: a name or an address was expected; 0.0.0.0 is every interface")
    for option, tokens in (("--token", settings.token), ("--admin-token", (settings.admin_token,))):
        if any(token is not None and not _TOKEN.fullmatch(token) for token in tokens):
            raise SettingsError(f"{option}: printable ASCII without spaces was expected")
    given = {"--token": settings.token, "--basic": settings.basic, "--oauth-client": settings.oauth_client}
    for option in [option for option, values in given.items() if values and settings.no_auth]:
        raise SettingsError(f"--no-auth asks for no token and {option} for one: leave one of them out")
    if not _is_loopback(host):
        guarded = settings.no_auth or any(given.values())
        missing = [] if guarded else ["--token TOKEN (or --no-auth, to let everybody in)"]
        missing += [] if settings.admin_token is not None else ["--admin-token TOKEN, which guards the control API"]
        if missing:
            raise SettingsError(f"--host {host} can be reached from other machines: add {' and '.join(missing)}")
    token = settings.token
    if not token and not settings.no_auth:
        token = (secrets.token_urlsafe(24),)
    return replace(settings, host=host, token=token)


def build(settings: Settings) -> ScimServer:
    """The server that the settings describe, its data loaded.

    Raises:
        SettingsError: a file, a rule or a value cannot be used.
    """
    with _option("--fixture"):
        fixture = _merged([fixtures.load(source) for source in settings.fixture])
    with _option("--profile" if settings.profile is not None or fixture is None else f"--fixture: {fixture.source}"):
        profile = profiles.load(settings.profile or (fixture.profile if fixture else None) or "standard")
    with _option("--accept, --refuse"):
        profile.with_leniencies(accept=settings.accept, refuse=settings.refuse)
    with _option("--require-if-match"):
        if settings.require_if_match:
            profiles.with_if_match(profile.policy)
    rules: list[dict[str, Any]] = []
    with _option("--fault"):
        rules += [parse_spec(text) for text in settings.fault]
    scenario = Scenario(None, [])
    if settings.faults is not None:
        with _option("--faults"):
            scenario = read_scenario(settings.faults)
    # What is said on the command line goes first: the first rule that fires stands.
    rules += scenario.rules
    if settings.latency is not None:
        with _option("--latency"):
            rules.append(latency_rule(settings.latency))
    with _option("--faults, --fault"):
        compile_rules([*profile.faults, *rules])  # each is good; two may bear one name
    with _option("--clock"):
        Clock(settings.clock)
    with _option("--basic"):
        basic = tuple(parse_login(text) for text in settings.basic)
    with _option("--oauth-client"):
        clients = tuple(parse_client(text) for text in settings.oauth_client)
    with _option("--token-ttl"):
        token_ttl = parse_duration(settings.token_ttl)
    with _option("--max-body"):
        max_body = parse_size(settings.max_body)
    with _option("--max-head"):
        max_head = head_limit(settings.max_head)
    with _option("--read-timeout"):
        read_timeout = time_out(settings.read_timeout)
    with _option("--idle-timeout"):
        idle_timeout = time_out(settings.idle_timeout)
    with _option("--base-url"):
        base_url = fixed_base(settings.base_url)
    seed = settings.seed if settings.seed is not None else scenario.seed or 0
    start = Start(
        profile,
        fixture,
        seed=seed,
        strict=settings.strict,
        accept=settings.accept,
        refuse=settings.refuse,
        require_if_match=settings.require_if_match,
        clock=settings.clock,
        faults=tuple(rules),
    )
    options = Options(
        tokens=settings.token,
        basic=basic,
        clients=clients,
        token_ttl=token_ttl,
        auth=not settings.no_auth,
        admin_token=settings.admin_token,
        hosts=(settings.host, *(_name_of(host) for host in settings.allow_host)),
        base_url=base_url,
        max_body=max_body,
        max_head=max_head,
        read_timeout=read_timeout,
        idle_timeout=idle_timeout,
        persist=settings.persist,
    )
    with _option("--fixture" if fixture else "--profile"):
        try:
            return ScimServer(start, options)
        except FaultError as error:
            raise SettingsError(f"--fault or --faults: {error}") from None
        except PersistError as error:
            raise SettingsError(f"--persist: {error}") from None


def _tls(settings: Settings, server: ScimServer, stack: ExitStack) -> Tls | None:
    """What ``--tls`` asks for; a certificate made for it is good for every name that the options give the server."""
    if settings.tls is None:
        return None
    fixed = server.options.base_url
    with _option("--tls"):
        names = (*server.options.hosts, *filter(None, [urlsplit(fixed).hostname if fixed else None]))
        tls = stack.enter_context(prepared(settings.tls, names))
    if tls.uncovered:
        _log.warning("the certificate does not cover what cannot stand in one: %s", " ".join(tls.uncovered))
    return tls


@contextmanager
def _option(name: str) -> Iterator[None]:
    """Say which option it was that cannot be used."""
    try:
        yield
    except SettingsError:
        raise
    except (ValueError, OSError) as error:
        text = " ".join(str(error).split())
        raise SettingsError(f"{name}: {text}") from None


def _merged(loaded: list[Fixture]) -> Fixture | None:
    """Several fixtures as one; the first that names a profile decides it."""
    if len(loaded) < 2:
        return loaded[0] if loaded else None
    return Fixture(
        " + ".join(fixture.source for fixture in loaded),
        next((fixture.profile for fixture in loaded if fixture.profile), None),
        next((fixture.description for fixture in loaded if fixture.description), None),
        [entry for fixture in loaded for entry in fixture.resources],
        [account for fixture in loaded for account in fixture.accounts],
        [schema for fixture in loaded for schema in fixture.schemas],
        [kind for fixture in loaded for kind in fixture.resource_types],
    )


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _name_of(host: str) -> str:
    """A host without port and brackets, as the control API compares it."""
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return host
    with _option("--allow-host"):
        name = urlsplit(f"//{host}").hostname
        if not name:
            raise ValueError(f"a host was expected, not {host!r}")
        return name


# -- sockets -------------------------------------------------------------------------------------------------------


def bind(host: str, port: int) -> list[socket.socket]:
    """Sockets bound to every address of a host (``localhost`` may have two), all at the same port.

    Raises:
        SettingsError: the host has no address here, or the port is taken.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"--host {printable(host)}: no address of that name: {_reason(error)}") from None
    held: list[socket.socket] = []
    failure: OSError | None = None
    for family, kind, protocol, _, address in dict.fromkeys(found):
        try:
            held.append(bound(family, kind, protocol, (address[0], port, *address[2:])))
        except OSError as error:
            # A machine without IPv6 still calls ::1 localhost.
            if error.errno != errno.EADDRNOTAVAIL:
                _close(held)
                raise cannot_listen(host, port, error) from None
            failure = error
        else:
            port = held[0].getsockname()[1]
    if failure is not None and not held:
        raise cannot_listen(host, port, failure)
    return held


def _allow_connections() -> None:
    """Have as many files open as may be: each connection is one, and often only 1,024 are allowed until asked for."""
    with suppress(ImportError, OSError, ValueError):  # there is no such thing, or it is not granted
        import resource  # noqa: PLC0415

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _close(sockets: Iterable[socket.socket]) -> None:
    for each in sockets:
        each.close()


def cannot_listen(host: str, port: int, error: OSError) -> SettingsError:
    """What to say when a port cannot be had."""
    where = f"{_bracketed(host)}:{port}"
    if error.errno == errno.EADDRINUSE:
        return SettingsError(f"--port: {where} is in use; give another port, or --port 0 for any that is free")
    if error.errno in (errno.EACCES, errno.EPERM):
        return SettingsError(f"--port: {where} may not be had ({_reason(error)}); ports from 1024 on are for everybody")
    if error.errno == errno.EADDRNOTAVAIL:
        return SettingsError(f"--host: {printable(host)} is no address of this machine; 0.0.0.0 is every one it has")
    return SettingsError(f"cannot listen at {where}: {_reason(error)}")


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


# -- running -------------------------------------------------------------------------------------------------------


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if os.environ.get("MOCKSCIM_NO_UVLOOP"):
        return None
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module("uvloop").new_event_loop
    except ImportError:
        return None
    return factory


async def _run(
    server: ScimServer, settings: Settings, sockets: list[socket.socket], stop: Stop, tls: Tls | None
) -> None:
    web_server = create_server(server)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log.Complaints())
    port = sockets[0].getsockname()[1]
    door = Door(web_server, tls.context if tls is not None else None, _BACKLOG)
    stopped = loop.create_task(stop.wait())
    try:
        try:
            await door.open(sockets)
        except OSError as error:  # another process bound it at the same moment, and was faster to listen
            raise cannot_listen(settings.host, port, error) from None
        _announce(server, _ready(server, settings, port, tls))
        await stopped
    finally:
        stopped.cancel()
        door.close()
        server.stop()
        await web_server.shutdown(_SHUTDOWN_SECONDS)


def _ready(server: ScimServer, settings: Settings, port: int, tls: Tls | None) -> Ready:
    scheme = "http" if tls is None else "https"
    root = f"{scheme}://{_bracketed(_WILDCARDS.get(settings.host, settings.host))}:{port}"
    start = server.tenants.start
    token = settings.token[0] if settings.token else None
    ca = None if tls is None or tls.ca is None else str(tls.ca)
    token_url = f"{root}{TOKEN}" if server.token_endpoint else None
    name = start.profile.name
    return Ready(f"{root}/scim/v2", f"{root}/_mockscim", token, name, start.seed, os.getpid(), ca, token_url)


def _announce(server: ScimServer, ready: Ready) -> None:
    """Say on standard output that requests are accepted: JSON for programs, a banner for people."""
    out = sys.stdout
    if out is None:
        return
    text = banner(server, ready) if out.isatty() else _line(ready)
    try:
        out.write(text + "\n")
        out.flush()
    except OSError as error:
        # Nobody reads it: that is no reason not to serve. What is still buffered must not fail again at the end.
        _log.warning("the ready line could not be written: %s", _reason(error))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)


def _line(ready: Ready) -> str:
    facts = ready._asdict()
    for name in ("ca", "token_url"):
        if facts[name] is None:
            del facts[name]
    return orjson.dumps({"event": "ready", **facts}).decode()


def banner(server: ScimServer, ready: Ready) -> str:
    """The facts of the ready line for people, with a command to try."""
    tables = next(iter(server.tenants)).store.tables
    counts = ", ".join(f"{len(table)} {table_name.lower()}s" for table_name, table in tables.items())
    bearer = "" if ready.token is None else f"-H {shlex.quote(f'Authorization: Bearer {ready.token}')} "
    trusting = "" if ready.ca is None else f"--cacert {shlex.quote(ready.ca)} "
    facts = [
        ("base URL", ready.base_url),
        *([] if ready.ca is None else [("CA", ready.ca)]),
        ("token", ready.token if ready.token is not None else "none is asked for (--no-auth)"),
        *([] if ready.token_url is None else [("token URL", ready.token_url)]),
        ("control", ready.admin_url),
        ("profile", f"{ready.profile}, seed {ready.seed}: {counts}"),
        ("process", f"{ready.pid}, Ctrl-C stops it"),
        ("try", f"curl {trusting}{bearer}{ready.base_url}/Users"),
    ]
    return "\n".join([f"mockscim {__version__} is ready", *(f"  {name:<9} {printable(text)}" for name, text in facts)])
