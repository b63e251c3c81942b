"""Variables that GitLab asks for in a run by hand: one answer in arguments and in rules."""

from __future__ import annotations

import pytest

from ci_kaniko import import_files

TEXT = """\
variables:
  STAGE: {value: dev, FORM}
build:
  image: {name: "ghcr.io/osscontainertools/kaniko:v1.28.3-debug", entrypoint: [""]}
  script: /kaniko/executor --context . --destination $CI_REGISTRY_IMAGE:$STAGE
  rules: RULES
"""
FORMS = ("options: [dev, prod]", "description: where to")


def _imported(form: str, rules: str) -> tuple[str, list[str], list[str]]:
    text = TEXT.replace("FORM", form).replace("RULES", rules)
    found = import_files([(".gitlab-ci.yml", text)])
    told = [entry.rule for entry in found.report if entry.rule in {"default-taken", "no-trigger"}]
    return found.spec.push, [str(each.image) for each in found.spec.destinations], told


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("rules", "pushed"),
    [
        ('[{if: $STAGE == "dev"}]', "always"),
        ('[{if: $CI_COMMIT_BRANCH == "main" && $STAGE != "prod"}]', "auto"),
        ('[{if: $STAGE == "prod", when: never}, {if: $CI_COMMIT_BRANCH}]', "auto"),
        ("[{if: $STAGE && $CI_COMMIT_TAG}]", "auto"),
    ],
)
def test_what_stands_there_counts_everywhere(form: str, rules: str, pushed: str) -> None:
    assert _imported(form, rules) == (pushed, ["${registry.image}:dev"], ["default-taken"])


@pytest.mark.parametrize("form", FORMS)
def test_what_only_another_value_starts_pushes_nothing(form: str) -> None:
    push, _, told = _imported(form, '[{if: $STAGE == "prod"}]')
    assert (push, told) == ("never", ["default-taken"])


def test_what_a_rule_sets_is_no_default() -> None:
    rules = '[{if: $CI_COMMIT_TAG, variables: {STAGE: prod}}, {if: $STAGE == "dev"}]'
    push, _, told = _imported(FORMS[0], rules)
    assert push != "always"
    assert "default-taken" in told
