"""What a spec says to Acme CI alone."""

from typing import Annotated

from pydantic import Field

from ci_kaniko.spec.fields import STRING, Reads, checked
from ci_kaniko.spec.model import Section
from ci_kaniko.syntax.grammar import check_text

Name = Annotated[str, Reads(checked(check_text), STRING, "name")]


class Acme(Section):
    """Acme CI."""

    queue: Name = Field(default="default", description="The queue.", examples=["large"])
    job: Name = Field(default="build", description="Name of the job.", examples=["image"])
