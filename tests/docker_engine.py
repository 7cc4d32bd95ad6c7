"""A Docker engine, as far as a container with a server needs one: what it runs are processes of this machine."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from processes import PATIENCE, environment, free_port

_VERSION = re.compile(r"^/v[0-9.]+")


class Engine:
    """Listens at ``url``, and runs the image's entry point for each container.

    Args:
        folder: where the files of containers are.
        entrypoint: of its only image.
        image: that image's name.
    """

    def __init__(self, folder, entrypoint, image="mockscim"):
        self.folder, self.entrypoint, self.image = folder, entrypoint, image
        self.containers = {}
        engine = self

        class Handler(_Handler):
            def answer(self, method, path, query, body):
                return engine.answer(method, path, query, body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"tcp://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self):
        """Stop it and all that it runs."""
        for container in self.containers.values():
            container.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method, path, query, body):
        """What it says to a request: a status and bytes, or what becomes JSON."""
        path = _VERSION.sub("", path)
        if path == "/version":
            return 200, {"ApiVersion": "1.47", "Version": "27"}
        if path == f"/images/{self.image}/json":
            return 200, {"Id": "sha256:1", "RepoTags": [self.image]}
        if path == "/containers/create":
            name = f"{len(self.containers) + 1:064x}"
            self.containers[name] = Container(self.folder / name[-4:], self.entrypoint, json.loads(body))
            return 201, {"Id": name, "Warnings": []}
        _, _, name, *rest = [*path.split("/"), "", ""]
        if name not in self.containers:
            return 404, {"message": f"no such thing: {path}"}
        container = self.containers[name]
        if method == "DELETE":
            container.stop()
            return 204, b""
        act = {
            "start": container.start,
            "archive": lambda: container.unpack(body),
            "logs": lambda: container.logs(query),
        }
        return act[rest[0]]() if rest[0] in act else (200, container.document(name))


class Container:
    """One process, the port that stands for its own, and its files."""

    def __init__(self, folder, entrypoint, wanted):
        self.wanted = wanted
        self._folder = folder
        self._entrypoint = entrypoint
        self._port = free_port()
        self._process = None
        folder.mkdir()

    def unpack(self, body):
        """Put files into it."""
        with tarfile.open(fileobj=io.BytesIO(body)) as files:
            for file in files:
                (self._folder / file.name.lstrip("/")).write_bytes(files.extractfile(file).read())
        return 200, b""

    def start(self):
        """Run it: its own port is one of this machine's, its files are in its folder."""
        inside = [*self._entrypoint, *(self.wanted.get("Cmd") or [])]
        words = [str(here) if (here := self._here(word)).is_file() else word for word in inside[1:]]
        given = dict(pair.split("=", 1) for pair in self.wanted["Env"])
        with (self._folder / "1").open("wb") as out, (self._folder / "2").open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", inside[0], *words],
                env=environment(**given, MOCKSCIM_SERVE_PORT=str(self._port)),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        return 204, b""

    def _here(self, word):
        return self._folder / word.lstrip("/") if word.startswith("/") else Path(os.devnull)

    def logs(self, query):
        """What it has written, in frames: the stream, three zeros, the length, the text."""
        said = b""
        for number, name in ((1, "stdout"), (2, "stderr")):
            if query.get(name, ["0"])[0] in ("1", "True"):
                text = (self._folder / str(number)).read_bytes()
                said += bytes([number, 0, 0, 0]) + len(text).to_bytes(4, "big") + text
        return 200, said

    def document(self, name):
        """What there is to know about it."""
        code = self._process.poll() if self._process else None
        status = "created" if self._process is None else "running" if code is None else "exited"
        ports = {port: [{"HostPort": str(self._port)}] for port in self.wanted["ExposedPorts"]}
        return {
            "Id": name,
            "Name": "/it",
            "Image": "sha256:1",
            "State": {"Status": status, "ExitCode": code or 0, "Error": ""},
            "Config": {"Tty": False, "Labels": self.wanted.get("Labels") or {}},
            "HostConfig": {"LogConfig": {"Type": "json-file"}},
            "NetworkSettings": {"Ports": ports},
        }

    def stop(self):
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(PATIENCE)

    @property
    def pid(self):
        """Its process."""
        return self._process.pid


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self):
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, content = self.answer(self.command, parts.path, parse_qs(parts.query), body)
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - as http.server has it

    def log_message(self, *_):
        """Nothing on standard error."""
