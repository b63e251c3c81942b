"""What the reading of a shell script may report: rules, sentences, advice."""

from __future__ import annotations

from ci_kaniko.importing.calls import Note

NOTES: dict[str, tuple[str, str]] = {
    "backslash-blank": (
        "a blank follows the backslash, so a blank becomes part of the argument {}",
        "end the line with the backslash itself",
    ),
    "bad-substitution": ("{} is no substitution: the shell stops there", "${{{}}}"),
    "bash-only": (
        "{} is bash's alone; the shell in kaniko's image cannot read it",
        "the rendered script does without it",
    ),
    "broken-continuation": (
        "{} was meant for the executor, but the command ended before it",
        "every line but the last ends with a backslash, and no comment stands between",
    ),
    "broken-json-quoting": (
        "{} is no JSON: the shell takes the quotes away",
        "the login is written with printf",
    ),
    "config-elsewhere": (
        "{} is not where kaniko looks for its docker config",
        "kaniko reads /kaniko/.docker/config.json",
    ),
    "default-taken": (
        "{} may be given to a run: the spec has what stands there by default, {}",
        "write ${{env.{}}} where it has to stay a variable",
    ),
    "eval": ("eval reads the text of {} as shell", "the arguments are passed as they are"),
    "expression-in-script": (
        "the expression {} becomes part of the script's text",
        "pass it by env: and read the variable; what it holds could be read as shell",
    ),
    "kept-quotes": (
        "{} keeps its quotes: the shell does not read those that come out of a variable",
        "the rendered script quotes the value",
    ),
    "literal-secret": (
        "the value of {} is written into the script",
        "revoke it, and store the new one as a secret of the CI",
    ),
    "newline-in-auth": (
        "echo adds a line end to what it encodes, and the registry gets a wrong password",
        "the login is written with printf",
    ),
    "not-exported": (
        "{} is not exported, so the inner shell does not know it",
        "export it",
    ),
    "not-understood": ("{} is not understood", "{}"),
    "placeholder": ("{} still has to be filled in", "write the real value"),
    "secret-in-log": ("{} is printed into the log", "print no secrets: base64 is not masked"),
    "secret-in-script": (
        "the secret {} is written into the script's text",
        "pass it by env: and read the variable",
    ),
    "secret-on-command-line": (
        "the secret {} stands on a command line, where every process can read it",
        "hand it over by a file or a variable",
    ),
    "sed-delimiter": (
        "base64 may hold the / that ends sed's pattern here",
        "the login is written with printf",
    ),
    "set-output": ("::set-output is no longer read", "write NAME=VALUE to $GITHUB_OUTPUT"),
    "skipped-command": ("{} is not carried over", "add it to prepare: if the build needs it"),
    "switch-value": (
        "{} takes no value in a word of its own: kaniko refuses {}",
        "write {}={}",
    ),
    "too-many-calls": (
        "the call{} comes after as many as can be followed",
        "import this one by itself",
    ),
    "too-many-conditions": (
        "from here on the script asks more than import follows: a run decides what depends on it",
        "write it as when:",
    ),
    "too-many-values": (
        "a value here is one of more than import follows: a run decides it",
        "write it as when:",
    ),
    "trace-shows-secrets": (
        "{} prints every command with its secrets into the log",
        "the rendered script does without it",
    ),
    "unescaped-json-value": (
        "{} is pasted into JSON: a quote or backslash in it breaks the file",
        "the login is written as base64",
    ),
    "unexpanded-variable": (
        "{} stands in single quotes or in a quoted here-document: it stays as it is",
        "the import reads it as the variable",
    ),
    "unknown-list": (
        "the loop is over {}, which only a run can tell",
        "list the words in the spec",
    ),
    "unknown-words": (
        "{} may be several arguments, which only a run can tell",
        "write them into the spec",
    ),
    "unquoted-words": (
        "{} stands without quotes: blanks in its value would make several arguments",
        "the rendered script quotes it",
    ),
    "wrapped-base64": (
        "base64 cuts its output at 76 columns: a long password breaks the login",
        "the rendered script removes the line ends",
    ),
}
"""By rule: the sentence and the advice; ``{}`` is filled in."""


def note(name: str, *values: str, line: int) -> Note:
    """A note of a rule."""
    message, hint = NOTES[name]
    wanted = message.count("{}")
    return Note(name, message.format(*values[:wanted]), line, hint.format(*values[wanted:]))
