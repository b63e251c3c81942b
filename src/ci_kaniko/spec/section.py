"""What the settings of each target have in common."""

from ci_kaniko.spec.model import Model


class Section(Model):
    """The settings of one target; each has a default."""

    def own_images(self) -> tuple[str, ...]:
        """The images of one's own that it pulls to run them."""
        return ()
