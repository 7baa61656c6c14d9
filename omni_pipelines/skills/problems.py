"""What is wrong with a skill, where, and how to correct it."""

from omni_pipelines.records import Record


class SkillProblem(Record):
    """One mistake, or one thing that could be better."""

    file: str
    """A path in the folder of the skill."""
    line: int = 1
    """From 1."""
    field: str = ""
    """Such as `metadata.permissions`; "" for the file as a whole."""
    message: str
    cure: str
    is_error: bool = True
    """False for advice: the skill is valid all the same."""

    @property
    def place(self) -> str:
        """The file, the line and the field."""
        return f"{self.file}:{self.line}" + (f" {self.field}" if self.field else "")
