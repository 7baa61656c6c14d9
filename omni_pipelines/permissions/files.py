"""Where the rules, the approvals and the audit log of one user and one project are."""

from dataclasses import dataclass
from pathlib import Path

from omni_pipelines.audit_log import AuditLog, audit_log
from omni_pipelines.configuration import user_folder
from omni_pipelines.home import Home
from omni_pipelines.permissions.approvals import ApprovalFile
from omni_pipelines.permissions.grants import GrantFile


@dataclass(frozen=True)
class PermissionFiles:
    """What a gatekeeper reads and writes. Only the audit log lies in the project."""

    grants: GrantFile
    approvals: ApprovalFile
    audit: AuditLog
    project: Path
    """The folder that the home is in, without links."""


def permission_files(home: Home) -> PermissionFiles:
    """The files for a home. None of them need exist."""
    folder, project = user_folder(), home.root.parent.resolve()
    return PermissionFiles(
        GrantFile(folder / "grants.json"), ApprovalFile(folder / "approvals.json"), audit_log(home), project
    )
