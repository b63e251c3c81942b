"""Completion for shells: scripts that a build has written down, so a TAB waits for nothing.

Only the rules, which are many, are asked of ``ci-kaniko explain`` at a TAB.
"""

from __future__ import annotations

from ci_kaniko.cli.helped import made_of as made_of_commands
from ci_kaniko.kaniko.systems import NAMES, SOURCES
from ci_kaniko.previewing.events import KINDS
from ci_kaniko.quick.built import built
from ci_kaniko.quick.hints import TYPE_CHECKING, Any
from ci_kaniko.quick.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MODULE = "completion"
SHELLS = ("bash", "zsh", "fish")
_FILES = {"PATH", "FILE", "FOLDER", "PROGRAM"}
_WORDS = {"TARGET": NAMES, "PLATFORM": SOURCES, "EVENT": KINDS, "SHELL": SHELLS}
_RULES = "(ci-kaniko explain 2>/dev/null | sed -n 's/^  //p')"
_ASKED = f"${_RULES}"


class _Value(NamedTuple):
    """What follows an option, or is an argument: one of some words, a file, both, or anything."""

    title: str
    words: tuple[str, ...] = ()
    files: bool = False
    many: bool = False


class _Option(NamedTuple):
    names: tuple[str, ...]
    about: str
    value: _Value | None
    """None for a switch."""


class _Command(NamedTuple):
    name: str
    about: str
    options: tuple[_Option, ...]
    argument: _Value | None


def script_for(shell: str) -> str:
    """The script for a shell of SHELLS: as the build wrote it, else made now."""
    known = built(MODULE, made_of())
    return str((known["texts"] if known else texts())[shell])


def made_of() -> str:
    """What the scripts depend on."""
    return made_of_commands("completion.py")


def texts() -> Mapping[str, str]:
    """The scripts by shell, from what Typer knows of the commands."""
    found = tuple(_commands())
    return {"bash": _bash(found), "zsh": _zsh(found), "fish": _fish(found)}


def _commands() -> Iterator[_Command]:
    from typer.main import get_command

    from ci_kaniko.cli.commands import app

    group: Any = get_command(app)
    for name, command in group.commands.items():
        options, argument = [], None
        for item in command.params:
            if item.param_type_name == "argument":
                argument = _value(item)
            else:
                about = (item.help or "").partition(". ")[0].rstrip(".")
                value = None if item.is_flag else _value(item)
                options.append(_Option(tuple(sorted(item.opts, key=len)), about, value))
        yield _Command(name, command.help.partition("\n")[0].rstrip("."), (*options,), argument)


def _value(item: Any) -> _Value:
    from ci_kaniko.cli.commands import argument_word

    title = argument_word(item).strip("[].")
    many = item.nargs == -1 or bool(getattr(item, "multiple", False))
    parts = title.split("|")
    words = tuple(part for part in parts if part not in _FILES)
    if len(parts) == 1:
        words = (_ASKED,) if title == "RULE" else tuple(_WORDS.get(title, ()))
    return _Value(title.replace("|", " "), words, not _FILES.isdisjoint(parts), many)


def _bash(commands: Sequence[_Command]) -> str:
    """Files are completed where the script has no word to offer."""
    places: dict[str, list[str]] = {}
    for command in commands:
        for option in command.options:
            if option.value:
                known = places.setdefault(" ".join(option.value.words), [])
                known += [f"{command.name}:{name}" for name in option.names]
    cases = [f'{"|".join(known)}) words="{offered}" ;;' for offered, known in places.items()]
    words = []
    for command in commands:
        argument = command.argument
        offered = " ".join(argument.words) if argument else _names(command)
        words.append(f'{command.name}) words="{offered}" options="{_names(command)}" ;;')
    return f"""\
# Completion of ci-kaniko for bash; made by: ci-kaniko completion bash
_ci_kaniko() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD - 1]}}"
  local words="" options="" IFS=$' \\n'
  # bash takes --format=json for three words.
  if [ "$word" = "=" ]; then
    word=""
  elif [ "$before" = "=" ]; then
    before="${{COMP_WORDS[COMP_CWORD - 2]}}"
  fi
  if [ "$COMP_CWORD" -eq 1 ]; then
    words="{" ".join(command.name for command in commands)} --help --version"
  else
    case "${{COMP_WORDS[1]}}:$before" in
      {f"{chr(10)}      ".join(cases)}
      *)
        case "${{COMP_WORDS[1]}}" in
          {f"{chr(10)}          ".join(words)}
        esac
        case "$word" in -*) words="$options" ;; esac
        ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o bashdefault -o default -F _ci_kaniko ci-kaniko
"""


def _names(command: _Command) -> str:
    return " ".join([*(name for option in command.options for name in option.names), "--help"])


def _zsh(commands: Sequence[_Command]) -> str:
    listed = " ".join(_quoted(f"{command.name}:{command.about}") for command in commands)
    cases = "\n".join(
        f"    {command.name}) _arguments {' '.join(_specs(command))} ;;" for command in commands
    )
    return f"""\
#compdef ci-kaniko
# Completion of ci-kaniko for zsh; made by: ci-kaniko completion zsh
_ci-kaniko() {{
  if (( CURRENT == 2 )); then
    local -a commands
    commands=({listed})
    _describe command commands
    return
  fi
  shift words
  (( CURRENT -= 1 ))
  case $words[1] in
{cases}
  esac
}}
if [[ $funcstack[1] == _ci-kaniko ]]; then _ci-kaniko "$@"; else compdef _ci-kaniko ci-kaniko; fi
"""


def _specs(command: _Command) -> Iterator[str]:
    """The words of ``_arguments``."""
    for option in command.options:
        value = option.value
        others = "*" if value and value.many else f"({' '.join(option.names)})"
        for name in option.names:
            about = f"[{_plain(option.about)}]"
            mark = "" if value is None else "=" if name.startswith("--") else "+"
            yield _quoted(f"{others}{name}{mark}{about}{_action(value)}")
    if command.argument:
        yield _quoted(f"{'*' if command.argument.many else '1'}{_action(command.argument)}")


def _action(value: _Value | None) -> str:
    if value is None:
        return ""
    if value.words == (_ASKED,):
        return f':{value.title}:{{compadd -- ${{(f)"{_ASKED}"}}}}'
    action = f"({' '.join(value.words)})" if value.words else " "
    if value.files:
        action = f"{{compadd -- {' '.join(value.words)}; _files}}" if value.words else "_files"
    return f":{_plain(value.title)}:{action}"


def _plain(text: str) -> str:
    """A text in which ``_arguments`` sees no mark of its own."""
    for mark in "\\[]:":
        text = text.replace(mark, f"\\{mark}")
    return text


def _fish(commands: Sequence[_Command]) -> str:
    lines = [
        "# Completion of ci-kaniko for fish; made by: ci-kaniko completion fish",
        "complete -c ci-kaniko -f",
        "complete -c ci-kaniko -n __fish_use_subcommand -l version -s V -d 'Print the version'",
        "complete -c ci-kaniko -l help -s h -d 'Say what there is'",
    ]
    for command in commands:
        about = _quoted(command.about, fish=True)
        lines.append(f"complete -c ci-kaniko -n __fish_use_subcommand -a {command.name} -d {about}")
        here = f"complete -c ci-kaniko -n '__fish_seen_subcommand_from {command.name}'"
        for option in command.options:
            names = " ".join(
                f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
                for name in option.names
            )
            about = _quoted(option.about, fish=True)
            lines.append(f"{here} {names}{_taken(option.value)} -d {about}")
        if command.argument:
            lines.append(here + _taken(command.argument).replace(" -r -F", " -F"))
    return "\n".join(lines) + "\n"


def _taken(value: _Value | None) -> str:
    if value is None:
        return ""
    offered = " ".join(value.words)
    if value.files:
        return " -r -F" + f" -a {_quoted(offered, fish=True)}" * bool(offered)
    if value.words == (_ASKED,):
        offered = _RULES
    return f" -x -a {_quoted(offered, fish=True)}" if offered else " -x"


def _quoted(text: str, *, fish: bool = False) -> str:
    """A word in single quotes, as a POSIX shell or fish reads it."""
    if fish:
        text = text.replace("\\", "\\\\")
    quote = "\\'" if fish else "'\\''"
    return "'" + text.replace("'", quote) + "'"
