"""LibreOffice as a converter of old Office files, without a window, macros or network.

It runs with a profile of its own in a folder that is deleted afterwards, and knows nothing of the environment. Its
settings forbid macros and links to other files. On Linux it also gives up the network, if the system permits it.
Settings: https://wiki.documentfoundation.org/UserProfile and the schema org.openoffice.Office.Common.
"""

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from native.child_python import python_command
from native.confinement import leave_network
from native.errors import EngineError

SECONDS = 120.0
"""For one file; the first start of LibreOffice alone takes several."""
_PROGRAMS = ("soffice", "libreoffice", "/Applications/LibreOffice.app/Contents/MacOS/soffice")
_OUTPUT_BYTES = 1 << 30
_FILTERS = {
    ".docx": "docx:MS Word 2007 XML",
    ".pptx": "pptx:Impress MS PowerPoint 2007 XML",
    ".xlsx": "xlsx",
    ".pdf": "pdf",
}
_OPTIONS = (
    "--headless",
    "--invisible",
    "--norestore",
    "--nolockcheck",
    "--nodefault",
    "--nologo",
    "--nofirststartwizard",
)
_SETTINGS = {
    "/org.openoffice.Office.Common/Security/Scripting": {
        "DisableMacrosExecution": "true",
        "MacroSecurityLevel": "3",
        "DisableActiveContent": "true",
        "BlockUntrustedRefererLinks": "true",
    },
    "/org.openoffice.Office.Writer/Content/Update": {"Link": "2"},
    "/org.openoffice.Office.Calc/Content/Update": {"Link": "2"},
    "/org.openoffice.Inet/Settings": {
        "ooInetProxyType": "1",
        "ooInetHTTPProxyName": "127.0.0.1",
        "ooInetHTTPProxyPort": "9",
        "ooInetHTTPSProxyName": "127.0.0.1",
        "ooInetHTTPSProxyPort": "9",
    },
}
"""No macros, no links to other files, and a proxy that answers nothing."""


class ConversionFailed(EngineError):
    """LibreOffice does not convert a file, or takes too long."""


def office_program() -> str | None:
    """The path of LibreOffice; None if it is not installed."""
    return next((found for name in _PROGRAMS if (found := shutil.which(name))), None)


def convert_office(raw: bytes, suffix: str, target: str, seconds: float = SECONDS) -> bytes:
    """Convert a file from the format of one suffix to that of another: `.docx`, `.pptx`, `.xlsx` or `.pdf`.

    Raises:
        ConversionFailed: LibreOffice is not installed, does not read the file, or takes too long.
    """
    program = office_program()
    if program is None:
        raise ConversionFailed("LibreOffice is not installed")
    with tempfile.TemporaryDirectory(prefix="omni-office-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        source, profile, out = folder / f"document{suffix}", folder / "profile", folder / "out"
        source.write_bytes(raw)
        _write_settings(profile)
        out.mkdir()
        command = [
            program, *_OPTIONS, f"-env:UserInstallation={profile.as_uri()}",
            "--convert-to", _FILTERS[target], "--outdir", str(out), str(source),
        ]  # fmt: skip
        _run(command, folder, seconds)
        converted = out / f"document{target}"
        if not converted.is_file():
            raise ConversionFailed("LibreOffice does not read it")
        return converted.read_bytes()


def start() -> None:
    """Give up the network and become LibreOffice; runs in a process of its own, whose arguments are the command."""
    command = sys.argv[1:]
    leave_network()
    for kind, limit in {resource.RLIMIT_FSIZE: _OUTPUT_BYTES, resource.RLIMIT_CORE: 0}.items():
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (limit, limit))
    os.execv(command[0], command)


def _write_settings(profile: Path) -> None:
    items = "".join(
        f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>\n'
        for path, values in _SETTINGS.items()
        for name, value in values.items()
    )
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<oor:items xmlns:oor="http://openoffice.org/2001/registry" '
        'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
        f"{items}</oor:items>\n",
        "utf-8",
    )


def _run(command: list[str], folder: Path, seconds: float) -> None:
    environment = {"PATH": os.defpath, "HOME": str(folder), "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        python_command("native.office_converter", "start", *command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise ConversionFailed(f"LibreOffice did not finish within {seconds:.0f} s") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # LibreOffice is several processes
