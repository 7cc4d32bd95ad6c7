"""What the course of a sweep needs done, as data; who drives it does it by waiting, or by awaiting."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

from mockscim.client.line import ControlRefused, Line, running_library
from mockscim.client.sweeping.attempt import Client

T = TypeVar("T")


class Ask(NamedTuple):
    """A control request; ControlRefused is thrown in where it is refused."""

    method: str
    path: str
    body: object = None
    parameters: Mapping[str, object] | None = None


class Run(NamedTuple):
    """One run of the client: an Attempt."""


class Linger(NamedTuple):
    """Time for a client that did not come back: whether it has ended then."""

    seconds: float


class Pause(NamedTuple):
    """Nothing for so many seconds of real time."""

    seconds: float


Need = Ask | Run | Linger | Pause
# Yields what it needs, is sent what came of it, and returns its result.
Course = Generator[Need, Any, T]


def drive(course: Course[T], line: Line, client: Client) -> T:
    """Do what a course needs, and wait for it.

    Raises:
        ControlRefused: the course has no answer to it.
    """
    told: Any = None
    while True:
        try:
            need = course.throw(told) if isinstance(told, ControlRefused) else course.send(told)
        except StopIteration as end:
            result: T = end.value
            return result
        if isinstance(need, Ask):
            try:
                told = line.ask(*need)
            except ControlRefused as refused:
                told = refused
        elif isinstance(need, Run):
            told = client.attempt()
        elif isinstance(need, Linger):
            told = client.linger(need.seconds)
        else:
            time.sleep(need.seconds)
            told = None


async def adrive(course: Course[T], line: Line, client: Client) -> T:
    """The same for coroutines, under asyncio or trio."""
    sleep = import_module(running_library() or "asyncio").sleep
    told: Any = None
    while True:
        try:
            need = course.throw(told) if isinstance(told, ControlRefused) else course.send(told)
        except StopIteration as end:
            result: T = end.value
            return result
        if isinstance(need, Ask):
            try:
                told = await line.aask(*need)
            except ControlRefused as refused:
                told = refused
        elif isinstance(need, Run):
            told = await client.aattempt()
        elif isinstance(need, Linger):
            told = await client.alinger(need.seconds)
        else:
            await sleep(need.seconds)
            told = None
