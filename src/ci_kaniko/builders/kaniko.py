"""Kaniko: it takes everything as arguments of one call, and needs least from a runner."""

from __future__ import annotations

from ci_kaniko.builders.builder import Builder
from ci_kaniko.kaniko.builders import BUILDER_HOMES, KANIKO
from ci_kaniko.plan.resolve import impossible_image
from ci_kaniko.plan.tools import executor_image
from ci_kaniko.quick.hints import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci_kaniko.builders.builder import Call
    from ci_kaniko.plan.model import Argument, Plan, Push
    from ci_kaniko.problems.finding import Finding
    from ci_kaniko.spec.build import Build


class Kaniko(Builder):
    """The executor."""

    name = "kaniko"
    program = "/kaniko/executor"
    home = BUILDER_HOMES[KANIKO]
    shell = "/busybox/sh"
    unset = ("KANIKO_NO_PUSH",)
    container = "container"
    confined = True
    takes_arguments = True

    def image(self, build: Build, *, with_shell: bool) -> str:
        return executor_image(build, with_shell=with_shell)

    def impossible_image(self, plan: Plan, *, with_shell: bool) -> Iterator[Finding]:
        yield from impossible_image(plan.spec, with_shell=with_shell)

    def first(self, plan: Plan) -> tuple[Argument, ...]:
        return plan.arguments

    def destination(self, push: Push) -> Argument:
        return push.argument

    def last(self, plan: Plan) -> tuple[Argument, ...]:
        return plan.pushed_arguments

    def nothing(self, plan: Plan) -> tuple[Argument, ...]:
        return plan.no_push_arguments

    def lines(self, call: Call) -> list[str]:
        return call.command(self.program, call.given)


BUILDER = Kaniko()
