"""What is left out where the small reader makes the models, and why: it leaves it to pydantic."""

from __future__ import annotations

from ci_kaniko.quick.choice import is_small

SMALL = is_small()
_SCHEMA = "asks for the JSON Schema of the models"
_OTHERS = "a target of others declares models as it likes"
_WRITING = "writes a model down, or copies all of it"
_PYTHON = "is about models that Python code makes"
PLACES = {
    "foreign": _OTHERS,
    "spec/test_models.py": _PYTHON,
    "spec/test_round_trip.py": _WRITING,
    "spec/test_schema.py": _SCHEMA,
    "test_stability.py": "lists the parameters of the models, which are pydantic's",
}
TESTS = {
    "api/test_api.py::test_a_key_that_is_no_text_is_named": _PYTHON,
    "api/test_api.py::test_show_says_what_a_spec_of_python_is": _WRITING,
    "cli/test_imports.py::test_ordinary_uses_work": _WRITING,
    "docs/test_docs.py::test_generated_pages_are_current": _SCHEMA,
    "docs/test_docs.py::test_the_first_page_shows_what_python_says": _WRITING,
    "docs/test_docs.py::test_the_page_on_python_shows_what_python_says": _WRITING,
    "docs/test_doctests.py::test_examples_of_what_is_written": _WRITING,
    "spec_images/test_bases.py::test_what_two_files_say_is_written_as_one": _WRITING,
    "spec_images/test_bases.py::test_the_schema_knows_the_rules_that_may_be_changed": _SCHEMA,
    "test_typing.py::test_every_model_of_a_spec_is_public": _SCHEMA,
}
"""Each of these has to fail with the small reader, or its line goes."""
