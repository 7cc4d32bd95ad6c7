"""From what Python code says of a server to what makes one: for ``create_app`` and ``MockScim``."""

from __future__ import annotations

import os
import secrets
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import orjson

from mockscim import fixtures, profiles
from mockscim.durations import parse_duration, parse_size
from mockscim.faults import parse_spec, read_scenario
from mockscim.faults.documents import convert, suggestion
from mockscim.fixtures import Fixture
from mockscim.server.auth import parse_login
from mockscim.server.oauth import parse_client
from mockscim.server.options import Options, fixed_base, head_limit, time_out
from mockscim.tenant import Start
from mockscim.tokens import TokenDocument

TokenGiven = str | Mapping[str, Any]


class ServerOptions(TypedDict, total=False):
    """What a server can be told in Python; whatever is left out is as the comment says.

    ``create_app`` explains each.
    """

    profile: str | Path | Mapping[str, Any] | None  # the fixture's, else standard
    fixture: str | Path | Mapping[str, Any] | list[Any] | None  # none
    token: TokenGiven | Iterable[TokenGiven] | None  # a random one
    basic: str | Iterable[str]
    oauth_client: str | Iterable[str]
    token_ttl: str | float  # 1h
    seed: int | None  # the scenario's where ``faults`` names one, else 0
    faults: str | Path | Iterable[Any]  # none
    strict: bool  # False
    accept: str | Iterable[str]
    refuse: str | Iterable[str]
    clock: str  # real
    admin_token: str | None  # none is asked for
    base_url: str | None  # of the Host that was called
    max_body: str | int  # 1MiB
    max_head: str | int  # 128KiB
    read_timeout: str | float  # 1m
    idle_timeout: str | float  # 1h
    persist: str | Path | None  # none


class Setup(NamedTuple):
    """What makes a server, and the first token that opens it."""

    start: Start
    options: Options
    token: str


def check_options(given: Iterable[str], known: Iterable[str] = ServerOptions.__annotations__) -> None:
    """Refuse options that there are not.

    Raises:
        TypeError: names the first of them, the one that was probably meant, and all that there are.
    """
    known = list(known)
    for name in given:
        if name not in known:
            there_are = textwrap.fill(f"there are: {', '.join(known)}", 96, subsequent_indent="    ")
            raise TypeError(
                f"there is no option {name!r}: {suggestion(name, known)}\n  {there_are}".replace(" \n", "\n")
            )


def set_up(given: ServerOptions) -> Setup:
    """What makes a server that is as the options say; its data is read.

    Raises:
        TypeError: an option that there is not.
        FixtureError, ProfileError, FaultError, ClockError, ValueError, OSError: something given cannot be used.
    """
    check_options(given)
    fixture = read_fixture(given.get("fixture"))
    seed, rules = read_faults(given.get("faults", ()))
    persist = given.get("persist")
    told = given.get("seed")
    wanted = given.get("token")
    tokens = several(secrets.token_urlsafe(24) if wanted is None else wanted)
    start = Start(
        profiles.load(read_profile(given.get("profile")) or (fixture.profile if fixture else None) or "standard"),
        fixture,
        seed=told if told is not None else seed or 0,
        strict=given.get("strict", False),
        accept=several(given.get("accept", ())),
        refuse=several(given.get("refuse", ())),
        clock=given.get("clock", "real"),
        faults=rules,
        tokens=tuple(_token(each) for each in tokens if not isinstance(each, str)),
    )
    options = Options(
        tokens=tuple(each for each in tokens if isinstance(each, str)),
        basic=tuple(parse_login(text) for text in several(given.get("basic", ()))),
        clients=tuple(parse_client(text) for text in several(given.get("oauth_client", ()))),
        token_ttl=parse_duration(given.get("token_ttl", "1h")),
        admin_token=given.get("admin_token"),
        base_url=fixed_base(given.get("base_url")),
        max_body=parse_size(given.get("max_body", "1MiB")),
        max_head=head_limit(given.get("max_head", "128KiB")),
        read_timeout=time_out(given.get("read_timeout", "1m")),
        idle_timeout=time_out(given.get("idle_timeout", "1h")),
        persist=os.fspath(persist) if persist is not None else None,
    )
    first = next((each if isinstance(each, str) else str(each["token"]) for each in tokens), "")
    return Setup(start, options, first)


def read_profile(given: object) -> Any:  # noqa: ANN401 - what profiles.load takes
    """A profile as ``profiles.load`` takes it: a name, a path or a mapping."""
    return os.fspath(given) if isinstance(given, os.PathLike) else given


def read_fixture(given: object) -> Fixture | None:
    """A fixture from a path, a bundled name or a document; None for none.

    Raises:
        FixtureError: it cannot be used.
    """
    if given is None:
        return None
    if isinstance(given, str | os.PathLike):
        return fixtures.load(os.fspath(given))
    return fixtures.parse(orjson.dumps(given), "fixture")


def read_faults(given: Any) -> tuple[int | None, tuple[Mapping[str, Any], ...]]:  # noqa: ANN401
    """Rules from a scenario's name or path, from one document, or from several documents and short forms.

    Returns:
        The seed that a scenario brings, or None, and the rules as documents.

    Raises:
        FaultError: one of them cannot be used.
        OSError: the file of a scenario cannot be read.
    """
    if isinstance(given, os.PathLike) or (isinstance(given, str) and "=" not in given):
        scenario = read_scenario(os.fspath(given))
        return scenario.seed, tuple(scenario.rules)
    if isinstance(given, Mapping) and "rules" in given:
        return given.get("seed"), tuple(given["rules"])
    return None, tuple(parse_spec(rule) if isinstance(rule, str) else rule for rule in several(given))


def _token(given: Mapping[str, Any]) -> TokenDocument:
    document = convert(dict(given), TokenDocument)  # whose error is a ValueError
    if document.token is None:
        raise ValueError("token: a mapping has the text as its token")
    return document


def several(given: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """One or several, as several."""
    return (given,) if isinstance(given, (str, Mapping)) else tuple(given)
