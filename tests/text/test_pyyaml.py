"""PyYAML imported in part is PyYAML for whoever asks for more of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from harness.repository import PACKAGE

LITTLE = """
from ci_kaniko.text import pyyaml
import sys
assert not sys.modules.keys() & {"yaml.constructor", "yaml.emitter", "yaml.scanner"}, "too much"
assert pyyaml.loader()("{a: [1, no]}").get_single_data() == {"a": [1, False]}
for text in ("'", "[}", "*a"):
    try:
        pyyaml.loader()(text).get_single_data()
    except pyyaml.MarkedYAMLError as error:
        assert error.problem_mark.line == 0
    else:
        raise AssertionError(text)
assert not sys.modules.keys() & {"yaml.emitter", "yaml.scanner"}, "too much"
"""
ALL = """
import yaml
for text, kind in {
    "'": yaml.scanner.ScannerError,
    "[}": yaml.parser.ParserError,
    "*a": yaml.composer.ComposerError,
    "\\x01": yaml.reader.ReaderError,
    "!a b": yaml.constructor.ConstructorError,
}.items():
    for loader in (getattr(yaml, "CSafeLoader", yaml.SafeLoader), yaml.SafeLoader):
        try:
            yaml.load(text, loader)
        except yaml.YAMLError as error:
            assert type(error) is kind, (text, error)
        else:
            raise AssertionError(text)
assert yaml.safe_load(yaml.safe_dump({"a": ["1"]})) == {"a": ["1"]}
import yaml as again
assert again is yaml and yaml.error.YAMLError is yaml.YAMLError
"""
NO_LIBYAML = """
import sys
class Nowhere:
    def find_spec(self, name, *_):
        if name == "yaml._yaml":
            raise ImportError(name)
sys.meta_path.insert(0, Nowhere())
from ci_kaniko.text import pyyaml
assert pyyaml.loader()("{a: [1, no]}").get_single_data() == {"a": [1, False]}
assert pyyaml.Parser.__name__ == "SafeLoader"
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(LITTLE + ALL, id="a part, then all"),
        pytest.param(NO_LIBYAML + ALL, id="without libyaml"),
    ],
)
def test_a_part_of_it_is_no_other_pyyaml(code: str) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": PACKAGE, "CI_KANIKO_READER": "small"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
