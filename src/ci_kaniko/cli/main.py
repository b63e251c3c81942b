"""The command line. Exit codes: 0 fine, 1 problems, 2 bad command line, 3 a bug of ours."""

import os
import sys


def main() -> None:
    """The process ``ci-kaniko``: Ctrl-C ends it without a traceback, whenever it comes."""
    sys.unraisablehook = _unraisable
    try:
        try:
            command()
        except SystemExit as stopped:
            _end_at_once(stopped.code)
            raise
        else:
            _end_at_once(0)
        finally:
            _stop_listening()
    except KeyboardInterrupt:
        _stop_listening()
        sys.exit(130)


def _unraisable(told: "sys.UnraisableHookArgs") -> None:
    """What cannot be raised where it happens, in a finalizer: Ctrl-C is no news there."""
    if told.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(told)


def _end_at_once(code: object) -> None:
    """Leave out what Python tidies up at the end, a fifth of its start, if nobody waits for it."""
    if not isinstance(code, int) or sys.modules.keys() & _WAITING or _observed():
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream:
                stream.flush()
    except (OSError, ValueError):
        return  # what is wrong is said at the usual end
    os._exit(code)


_WAITING = {"atexit", "threading"}
"""Who wants to do something at the end has imported one of these."""


def _observed() -> bool:
    """Whether somebody looks on, as profilers do, or stays after the end."""
    monitoring = getattr(sys, "monitoring", None)
    return bool(
        sys.flags.inspect
        or sys.gettrace()
        or sys.getprofile()
        or (monitoring and any(map(monitoring.get_tool, range(6))))
    )


def _stop_listening() -> None:
    """All is done: while the interpreter ends, Ctrl-C could only disturb what it tidies up."""
    if "re" in sys.modules:  # else nothing was loaded that takes time to end
        import gc
        import signal

        gc.freeze()  # the interpreter looks for garbage once more, through all that is not frozen
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def command() -> None:
    """The command of ``sys.argv``; what it does not need is not imported.

    Raises KeyboardInterrupt.
    """
    from ci_kaniko import __version__

    try:
        if sys.argv[1:] in (["--version"], ["-V"]):
            print(f"ci-kaniko {__version__}", flush=True)
        elif sys.argv[-1] in ("--help", "-h") and (text := _help(sys.argv[1:])):
            print(text, flush=True)
        elif not _known_to_be_in_sync(sys.argv[1:]):
            _start(sys.argv[1:])
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = error.filename or "<stdout>"
        print(f"ci-kaniko: {where}: {error.strerror or error}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is ours
        if _comes_from_ctrl_c(error):
            raise KeyboardInterrupt from None
        import traceback

        from ci_kaniko.problems.problem import BrokenTargetError

        if isinstance(error, BrokenTargetError):
            print(f"ci-kaniko: {error}", file=sys.stderr)
            sys.exit(1)
        if isinstance(error, UnicodeEncodeError) and error.encoding != "utf-8":
            told = f'this locale has no such name: "{error.object}"; set PYTHONUTF8=1'
            print(f"ci-kaniko: {told}", file=sys.stderr)
            sys.exit(1)

        traceback.print_exc()
        print(
            f"\nci-kaniko {__version__} has a bug; please report the lines above "
            "together with the spec.",
            file=sys.stderr,
        )
        sys.exit(3)


def _comes_from_ctrl_c(error: BaseException | None) -> bool:
    """Whether Python has put Ctrl-C into another error, as it does while it makes a class."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _help(words: list[str]) -> str | None:
    """What a build has written down for ``--help``."""
    from ci_kaniko.cli.helped import help_for

    return help_for(words)


def _start(words: list[str]) -> None:
    """Run a command without pydantic, and once more with it where that is not enough."""
    from ci_kaniko.quick.choice import NeedsPydantic, forget_small, prefer_small

    if "-" not in words:  # what is read from there cannot be read again
        prefer_small()
    try:
        run(words)
    except NeedsPydantic:
        forget_small()
    else:
        return
    from importlib import import_module

    import_module("ci_kaniko.cli.main").run(words)


def run(words: list[str]) -> None:
    """The command of a command line: at once when it is a usual one, else through Typer."""
    import gc

    from ci_kaniko.cli.arguments import act, read
    from ci_kaniko.cli.postponed import DISTRIBUTIONS, Postponed

    gc.disable()  # a command lives for a moment: looking for garbage would cost a tenth of it
    # Other packages' pydantic plugins have no business in this process, nor has looking for them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    sys.modules.setdefault(DISTRIBUTIONS, Postponed(DISTRIBUTIONS))
    asked = read(words)
    if asked is None:
        from ci_kaniko.cli.commands import app

        app(prog_name="ci-kaniko")
        return
    from ci_kaniko.cli.shared import Done, Misuse

    place, given = asked
    try:
        act(place, **given)
    except Done as done:
        sys.exit(done.code)
    except Misuse as error:
        from ci_kaniko.cli.commands import misuse

        misuse(words[0], str(error))


def _known_to_be_in_sync(arguments: list[str]) -> bool:
    """Whether this is a plain ``check`` or ``sync`` of what an earlier run has verified already."""
    if arguments[:1] not in (["check"], ["sync"]):
        return False
    from ci_kaniko.repository.discovery import find, specs_at
    from ci_kaniko.syncing import memory

    specs, targets, words = [], [], iter(arguments[1:])
    for word in words:
        if word in {"-f", "--spec"}:
            specs.append(next(words, "-"))
        elif arguments[0] == "check" or word != "--exit-code":
            targets.append(word)
    if not memory.enabled() or any(word.startswith("-") for word in (*specs, *targets)):
        return False
    try:
        found = specs_at(specs) if specs else [find() or "-"]
    except LookupError:
        return False
    known = memory.Memory(targets, found)
    return all(known.knows(spec) for spec in found)
