"""A mockscim server in a container, for testcontainers-python: ``pip install 'mockscim[testcontainers]'``.

    with MockScimContainer().with_profile("segment") as container:
        with container.connect(fixture="segment-workspace") as scim:
            ...

The image is built from a checkout: ``docker build -f docs/container/Dockerfile -t mockscim .``
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

try:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.exceptions import ContainerStartException
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy
except ImportError as error:
    _hint = f"mockscim.containers needs testcontainers ({error}): pip install 'mockscim[testcontainers]'"
    raise ImportError(_hint, name=error.name) from error

if TYPE_CHECKING:
    from mockscim.client import MockScim

_PORT = 8080
_READY = re.compile(r'^\{"event":"ready",', re.MULTILINE)


class MockScimContainer(DockerContainer):
    """A container with a server, ready when it has started.

    Args:
        image: what ``docs/container/Dockerfile`` makes.
        token: what clients must send; a random one when None.
        admin_token: what the control API wants; a random one when None.
        others: as for any ``DockerContainer``: ``network``, ``name``, ``docker_client_kw`` …
    """

    def __init__(
        self,
        image: str = "mockscim",
        *,
        token: str | None = None,
        admin_token: str | None = None,
        **others: Any,  # noqa: ANN401 - what testcontainers takes
    ) -> None:
        super().__init__(image, **others)
        self.token = secrets.token_urlsafe(24) if token is None else token
        self.admin_token = secrets.token_urlsafe(24) if admin_token is None else admin_token
        # Not options: a command line can be read by whoever lists processes.
        self.with_envs(MOCKSCIM_SERVE_TOKEN=self.token, MOCKSCIM_SERVE_ADMIN_TOKEN=self.admin_token)
        self.with_exposed_ports(_PORT)
        self._files = 0
        self.waiting_for(LogMessageWaitStrategy(_READY).with_poll_interval(0.1))

    # -- what it serves; to be said before it starts -----------------------------------------------------------------

    def with_profile(self, profile: str | Path) -> Self:
        """Behave like this provider: the name of a profile, or a file of this machine."""
        return self.with_options("--profile", self._given(profile))

    def with_fixture(self, *fixtures: str | Path) -> Self:
        """Start from this data: names of bundled fixtures, or files of this machine; several add up."""
        for fixture in fixtures:
            self.with_options("--fixture", self._given(fixture))
        return self

    def with_faults(self, scenario: str | Path) -> Self:
        """Start with this scenario: the name of a bundled one, or a file of this machine."""
        return self.with_options("--faults", self._given(scenario))

    def with_fault(self, *specs: str) -> Self:
        """Start with these rules: ``user.create=503:0.3:after``."""
        for spec in specs:
            self.with_options("--fault", spec)
        return self

    def with_seed(self, seed: int) -> Self:
        """Take this number behind every random choice."""
        return self.with_options("--seed", str(seed))

    def with_options(self, *options: str) -> Self:
        """Add to the command line of ``mockscim serve``."""
        given = self._command or []
        return self.with_command([*([given] if isinstance(given, str) else given), *options])

    def _given(self, source: str | Path) -> str:
        """The path in the container of a file that goes along; a name of what is in the image stays one."""
        path = Path(source)
        if not path.is_file():
            if isinstance(source, Path):
                raise FileNotFoundError(f"{source} is no file")
            return source
        self._files += 1
        inside = f"/mockscim-{self._files}-{path.name}"  # the one folder that every image has
        self.with_copy_into_container(path.read_bytes(), inside)
        return inside

    # -- once it runs ------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it, and wait until it accepts requests.

        Raises:
            ContainerStartException: it ended instead; with what it said.
            TimeoutError: it did neither in time.
        """
        try:
            return super().start()
        except RuntimeError as error:
            if self._container is None:
                raise
            said = " ".join(self.get_logs()[1].decode(errors="replace").split())
            raise ContainerStartException(f"mockscim did not start: {said or error}") from error

    @property
    def url(self) -> str:
        """The server's root: what ``MOCKSCIM_URL`` and ``mockscim --url`` take."""
        return f"http://{self.get_container_host_ip()}:{self.get_exposed_port(_PORT)}"

    @property
    def base_url(self) -> str:
        """Where SCIM is, for clients on this machine."""
        return f"{self.url}/scim/v2"

    @property
    def admin_url(self) -> str:
        """Where the control API is, which wants ``admin_token`` as a Bearer token."""
        return f"{self.url}/_mockscim"

    def connect(self, **options: Any) -> MockScim:  # noqa: ANN401
        """A tenant of its own on this server, to be entered by ``with``; options as for ``MockScim.connect``."""
        from mockscim.client import MockScim  # noqa: PLC0415 - who only starts a container needs no client

        return MockScim.connect(self.url, self.admin_token, **options)
