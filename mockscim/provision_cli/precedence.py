"""Whose word counts: what stands on the command line, then what the job's state says, then the environment.

A variable that was set for one job must not turn another one round. Where it says something else than the state, that
is told, and how to change the job.
"""

# ruff: noqa: PLC0415 - what a command needs is imported inside it

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

PREFIX = "MOCKSCIM_PROVISION_"

# What a state file keeps. How to send, and the token, are said each time.
_SETTINGS = ("target", "app", "app_type", "scope", "seed", "throttling", "deletion_threshold")


class Given(dict[str, Any]):
    """Options by name, and which of them stood on no command line.

    Args:
        line: what the command line says.
        around: what the environment says; it counts where the line says nothing.
    """

    def __init__(self, line: Mapping[str, Any], around: Mapping[str, Any]) -> None:
        super().__init__({**around, **line})
        self.line, self.around = dict(line), {name: value for name, value in around.items() if name not in line}

    @classmethod
    def of(cls, ctx: click.Context, values: Mapping[str, Any], before: Mapping[str, Any] | None) -> Given:
        """What a command was given.

        Args:
            ctx: the command's context, which knows where its values come from.
            values: its options.
            before: what stood before the verb.
        """
        said = {name: value for name, value in values.items() if value is not None and value != ()}
        around = {name for name in said if ctx.get_parameter_source(name) is ParameterSource.ENVIRONMENT}
        older = before if isinstance(before, Given) else cls({}, {})
        return cls(
            {**older.line, **{name: value for name, value in said.items() if name not in around}},
            {**older.around, **{name: said[name] for name in around}},
        )

    def beside(self, state: Mapping[str, Any] | None, settings: type[Any]) -> Given:
        """The same without what the environment says of a job that knows better; each difference is told.

        Args:
            state: the document of its state file; None: there is no job yet.
            settings: the provider's Settings.
        """
        if state is None:
            return self
        known = _said_by(state, settings)
        for name in self.around.keys() & known.keys():
            ours, kept = self.around[name], known[name]
            if not _same(name, ours, kept):
                has = f"has {kept}" if isinstance(kept, str | int) and kept != "" else "has another"
                text = f"{PREFIX}{name.upper()}={ours} is not used: the job in {self['state']} {has}"
                click.echo(f"mockscim: note: {text}; --{name.replace('_', '-')} changes it", err=True)
        return Given(self.line, {name: value for name, value in self.around.items() if name not in known})


def _said_by(state: Mapping[str, Any], kind: type[Any]) -> dict[str, Any]:
    """What a state says, by option; nothing if it is broken, which whoever takes it up will say."""
    import msgspec

    job = state.get("job")
    try:
        settings = msgspec.convert(job.get("settings") if isinstance(job, dict) else None, kind)
    except msgspec.ValidationError:
        return {}
    found = {name: state[name] for name in ("clock", "log") if state.get(name)}
    if state.get("source") or state.get("directory"):
        found["source"] = state.get("source") or ""
    found |= {name: getattr(settings, name) for name in _SETTINGS if hasattr(settings, name)}
    if "scope" in found:
        found["scope"] = settings.scope.mode
    return {**found, "settings": settings}


def _same(name: str, ours: Any, kept: Any) -> bool:  # noqa: ANN401 - an option's value, a setting's
    """Whether the environment says what the state says."""
    if name == "settings":
        from mockscim.provision.setting import settled

        return bool(settled(type(kept), ours, kept, {}) == kept)
    if name == "clock":
        return bool(ours.partition(":")[0] == kept)
    if name == "app":
        return bool(kept in (ours, Path(ours).stem))
    if name == "log" or (name == "source" and Path(ours).is_file()):
        return bool(str(Path(ours).absolute()) == kept)
    return bool(ours == kept)
