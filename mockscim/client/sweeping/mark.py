"""``@mockscim.sweep`` above a test: its body is one run of the client.

    @mockscim.sweep(outcomes=("503", "reset"))
    def test_synchronise(scim):
        synchronise(scim.base_url, scim.token)

How many requests there are is known only after a run, so the cases cannot be parameters of the test: they are
sub-tests, where pytest has them (from 9 on, or with pytest-subtests).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

_REQUEST = "request"


@overload
def sweep(function: F, /) -> F: ...


@overload
def sweep(**options: Any) -> Callable[[F], F]: ...  # noqa: ANN401


def sweep(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a test of pytest a sweep: its body is run once clean, then once for each request, phase and outcome.

    The test takes the fixture ``scim``, and whatever others; they are made once, and passed to each run unchanged: what
    remembers a run, such as the client itself, is made in the body. It may be a coroutine function.

    Args:
        function: the test, where nothing is said.
        options: those of ``MockScim.sweep``; ``subtests`` is the fixture of that name unless it is said.

    """
    if function is None:
        return functools.partial(_marked, options=options)
    return _marked(function, options=options)


def _marked(function: F, *, options: dict[str, Any]) -> F:
    signature = inspect.signature(function)
    own = _REQUEST in signature.parameters

    def prepared(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, Callable[[], Any], dict[str, Any]]:
        request = keywords[_REQUEST] if own else keywords.pop(_REQUEST)
        scim = _scim_of(arguments, keywords, function.__name__)
        given = {"subtests": _subtests(request), **options}
        return scim, functools.partial(function, *arguments, **keywords), given

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*arguments: Any, **keywords: Any) -> None:  # noqa: ANN401
            __tracebackhide__ = True
            scim, body, given = prepared(arguments, keywords)
            await scim.asweep(body, **given)

    else:

        @functools.wraps(function)
        def wrapper(*arguments: Any, **keywords: Any) -> None:  # noqa: ANN401
            __tracebackhide__ = True
            scim, body, given = prepared(arguments, keywords)
            scim.sweep(body, **given)

    if not own:
        wrapper.__signature__ = _with_request(signature)  # type: ignore[attr-defined]
    return wrapper  # type: ignore[return-value]


def _scim_of(arguments: tuple[Any, ...], keywords: dict[str, Any], name: str) -> Any:  # noqa: ANN401
    from mockscim.client.mock import MockScim  # noqa: PLC0415 - nothing is imported before a test runs

    for value in (keywords.get("scim"), *arguments, *keywords.values()):
        if isinstance(value, MockScim):
            return value
    raise TypeError(f"@mockscim.sweep: {name} takes no MockScim: let it take the fixture scim")


def _subtests(request: Any) -> Any:  # noqa: ANN401 - pytest is not imported here
    """The fixture, where there is one."""
    try:
        return request.getfixturevalue("subtests")
    except LookupError:  # FixtureLookupError
        return None


def _with_request(signature: inspect.Signature) -> inspect.Signature:
    """The test's own signature, and ``request``, which pytest always has."""
    parameters = list(signature.parameters.values())
    place = next((n for n, each in enumerate(parameters) if each.kind is each.VAR_KEYWORD), len(parameters))
    parameters.insert(place, inspect.Parameter(_REQUEST, inspect.Parameter.KEYWORD_ONLY))
    return signature.replace(parameters=parameters)
