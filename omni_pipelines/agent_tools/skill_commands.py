"""The commands of skills as tools: each runs in a confined process, and calls other tools through the gatekeeper."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

from native.confinement import is_complete
from omni_pipelines.agent_tools.shipped import ShippedTools
from omni_pipelines.errors import OmniError, SecurityError
from omni_pipelines.permissions.approvals import Approver
from omni_pipelines.permissions.capabilities import capability_of_tool
from omni_pipelines.permissions.files import PermissionFiles
from omni_pipelines.permissions.gatekeeper import Caller, Gatekeeper
from omni_pipelines.permissions.grants import Grant
from omni_pipelines.permissions.policies import Effect, ToolPolicy
from omni_pipelines.responses import ToolResponse
from omni_pipelines.skills.commands import CommandIndex, SkillCommand
from omni_pipelines.skills.library import SkillLibrary


class SkillCommands:
    """The commands of all skills that their person trusts.

    To trust a skill allows its commands, which only compute: whatever else they do is the call of a tool, which the
    skill must declare, and which is decided as for anybody.
    """

    def __init__(self, library: SkillLibrary, cache: Path, names: Collection[str] | None = None) -> None:
        """`cache` is the folder of the settings for what can be made again; `names` are the only skills, if given."""
        self._library, self._names = library, names
        self._gatekeeper: Gatekeeper | None = None
        self.problems: dict[str, str] = {}
        """Skill → why it has no commands."""
        self.commands = self._found(CommandIndex(cache))
        """By the name of the tool, sorted."""

    def gatekeeper(
        self,
        shipped: ShippedTools,
        files: PermissionFiles,
        session: str,
        approver: Approver | None = None,
        *,
        granted: Iterable[Grant] = (),
        is_tainted: bool = False,
    ) -> Gatekeeper:
        """The gatekeeper of a session that has these commands besides the tools that ship."""
        is_confined = is_complete()
        for name, command in self.commands.items():
            shipped.catalog.add_described(command.definition, self._function(command))
            effect = Effect.READ if is_confined else Effect.RUN
            policy = ToolPolicy(capability_of_tool(name), effect, is_known=is_confined, is_untrusted=not is_confined)
            shipped.policies[name] = policy
        trusted = [Grant(capabilities=capability_of_tool(name)) for name in self.commands]
        self._gatekeeper = Gatekeeper(
            shipped.catalog,
            shipped.policies,
            files,
            session,
            approver,
            granted=(*granted, *trusted),
            is_tainted=is_tainted,
        )
        return self._gatekeeper

    def _found(self, index: CommandIndex) -> dict[str, SkillCommand]:
        found: dict[str, SkillCommand] = {}
        for skill in self._library.skills().values():
            is_wanted = self._names is None or skill.name in self._names
            if not is_wanted or skill.problem or not self._library.is_trusted(skill):
                continue
            try:
                found |= {each.definition.name: each for each in index.commands(skill.folder)}
            except OmniError as error:
                self.problems[skill.name] = error.message
        return dict(sorted(found.items()))

    def _function(self, command: SkillCommand) -> Callable[..., ToolResponse]:
        def run(**arguments: object) -> ToolResponse:
            skill = self._library.skill(command.folder.name)
            if not self._library.is_trusted(skill):
                cure = f"read its files, then run: omni skill trust {skill.name}"
                raise SecurityError("skill", f"{skill.name} was changed since this session began", cure=cure)
            caller = Caller(skill.name, self._library.permissions(skill))
            return command.run(arguments, partial(self._call, caller))

        return run

    def _call(self, caller: Caller, tool: str, arguments: Mapping[str, object]) -> ToolResponse:
        assert self._gatekeeper is not None
        return self._gatekeeper.call(tool, arguments, caller)
