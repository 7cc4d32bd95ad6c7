"""``python -m tests.fuzz [TARGET ...] --minutes N``: look for inputs that something cannot bear.

What is new goes into ``corpus/TARGET``, and the suite tries it from then on. Exit code 1 where something was wrong.
With ``--atheris`` (``pip install --group fuzz``) libFuzzer guides the search of one target instead.
"""

from __future__ import annotations

import argparse
import sys
import traceback


def main() -> int:
    """Hunt in each target in turn."""
    if "--atheris" in sys.argv:  # it has to see mockscim being imported
        try:
            import atheris
        except ImportError:
            print("atheris is not installed: pip install --group fuzz", file=sys.stderr)
            return 2
        with atheris.instrument_imports(include=["mockscim"]):
            import tests.fuzz.hunting  # noqa: F401
    from tests.fuzz.hunting import TARGETS, hunt

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"one or several of {', '.join(TARGETS)}; all")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", action="store_true", help="have libFuzzer guide the search, of one target")
    given = parser.parse_args()
    unknown = [name for name in given.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {unknown[0]}; there are {', '.join(TARGETS)}")
    names = given.targets or list(TARGETS)
    if given.atheris:
        if len(names) != 1:
            parser.error("--atheris takes one target")
        return _with_atheris(names[0], given.minutes)
    failed = False
    for name in names:
        found = hunt(name, given.minutes * 60, seed=given.seed)
        print(f"{name:<12} {found.tried:>8} tried {found.kept:>5} kept {len(found.wrong):>3} wrong", flush=True)
        for file, error in found.wrong:
            failed = True
            print(f"\n{file}")
            traceback.print_exception(error, limit=-4)
    return int(failed)


def _with_atheris(name: str, minutes: float) -> int:
    import atheris

    from tests.fuzz.hunting import CORPUS, LONGEST, TARGETS

    folder = CORPUS / name
    limits = [f"-max_total_time={int(minutes * 60)}", f"-max_len={LONGEST}", "-timeout=20"]
    atheris.Setup(
        [name, *limits, f"-artifact_prefix={folder}/", str(folder)], lambda data: TARGETS[name].run(data) and None
    )
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
