"""Test suites in other languages, made of the recipes in docs/recipes and of the files beside this one."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from processes import ended, environment, lives

DOCS = Path(__file__).parents[2] / "docs"
RECIPES = DOCS / "recipes"
HERE = Path(__file__).parent
MAVEN = Path.home() / ".m2" / "repository"
# What JUnit 5 is made of, and which of its two version numbers each part bears.
JUPITER, PLATFORM = ("api", "engine"), ("commons", "engine", "launcher")


class Node:
    """node:test, without packages."""

    def __init__(self, folder):
        files = {name: HERE / "node" / f"{name}.test.mjs" for name in ("isolated", "failing", "endless")}
        files["recipe"] = RECIPES / "node" / "provisioning.test.mjs"
        self.command = {name: ["node", "--test-reporter=tap", file] for name, file in files.items()}

    @staticmethod
    def counts(output):
        """How many tests passed and failed."""
        lines = dict(line[2:].split() for line in output.splitlines() if line.startswith(("# pass ", "# fail ")))
        return int(lines["pass"]), int(lines["fail"])


class Java:
    """JUnit 5, or where this machine has none, what stands in for the little of it that the recipe takes."""

    def __init__(self, folder, junit=()):
        if junit:
            sources = [HERE / "java" / "junit" / "Run.java"]
        else:
            sources = sorted((HERE / "java" / "standin").rglob("*.java"))
        sources += [*(RECIPES / "java").glob("*.java"), *(HERE / "java").glob("*.java")]
        path = os.pathsep.join(map(str, [folder, *junit]))
        lint = [] if junit else ["-Xlint:all", "-Werror"]
        options = ["--release", "17", "-encoding", "UTF-8", "-proc:none", *lint, "-cp", path, "-d", folder]
        done = subprocess.run(["javac", *options, *sources], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        kinds = {"recipe": "ProvisioningTest", "isolated": "Isolated", "failing": "Failing", "endless": "Endless"}
        self.command = {name: ["java", "-cp", path, "Run", kind] for name, kind in kinds.items()}

    @staticmethod
    def counts(output):
        """How many tests passed and failed."""
        words = output.splitlines()[-1].split()
        return int(words[0]), int(words[2])


class JUnit(Java):
    """JUnit 5 as Maven has it."""

    def __init__(self, folder):
        super().__init__(folder, junit())


def junit():
    """The files of one version of JUnit 5 in Maven's local repository, as far as there is one."""
    found = MAVEN.joinpath("org/junit/jupiter/junit-jupiter-api").glob("5.*")
    others = [next(MAVEN.glob(f"org/{name}/*/*/*.jar"), None) for name in ("opentest4j", "apiguardian")]
    for version in sorted((path.name for path in found), reverse=True):
        platform = f"1.{version.partition('.')[2]}"
        jars = [
            *(MAVEN / f"org/junit/jupiter/junit-jupiter-{part}/{version}" for part in JUPITER),
            *(MAVEN / f"org/junit/platform/junit-platform-{part}/{platform}" for part in PLATFORM),
        ]
        jars = [folder / f"{folder.parent.name}-{folder.name}.jar" for folder in jars]
        if all(jar is not None and jar.exists() for jar in [*jars, *others]):
            return [*jars, *others]
    return []


def here():
    """The kinds of suites that this machine can run."""
    kinds = [Node] if shutil.which("node") else []
    if shutil.which("javac"):
        kinds += [Java, JUnit] if junit() else [Java]
    return kinds


class Command:
    """A ``mockscim`` on the PATH: the package that is tested, and the ids of the processes started by that name."""

    def __init__(self, folder):
        self._started = folder / "started"
        self._started.touch()
        script = folder / "bin" / "mockscim"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\necho $$ >>"{self._started}"\nexec "{sys.executable}" -m mockscim "$@"\n')
        script.chmod(0o755)
        self._path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"

    @property
    def started(self):
        """The process ids, in order."""
        return [int(line) for line in self._started.read_text().split()]

    def environment(self, **extra):
        """The environment of somebody else's test suite."""
        kept = {name: value for name, value in environment().items() if not name.lower().endswith("_proxy")}
        return {**kept, "PATH": self._path, **extra}

    def ended(self):
        """Whether all that was started has ended, or does so in time."""
        return all(map(ended, self.started))

    def kill(self):
        """End what a failed test has left behind."""
        for pid in self.started:
            if lives(pid):
                os.kill(pid, signal.SIGKILL)
