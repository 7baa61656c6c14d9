"""Calendars (ics, RFC 5545) and contacts (vcf, RFC 6350): one section for each event, task or person.

Both consist of lines such as `DTSTART;TZID=Europe/Berlin:20260102T090000`, which are folded.
"""

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from omni_pipelines.text.charset_labels import codec_of_label
from omni_pipelines.text.decoding import decode, split_lines
from omni_pipelines.text.document import Parsed
from omni_pipelines.text.readers.extraction import Extraction

_LINE = re.compile(
    r"(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<parameters>(?:;(?:[^\":;]|\"[^\"]*\")*)*):(?P<value>.*)", re.DOTALL
)
_PARAMETER = re.compile(r";(?:(?P<name>[\w-]+)=)?(?P<value>\"[^\"]*\"|[^;]*)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MOMENT = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T(\d\d):?(\d\d)(?::?(\d\d))?(Z)?)?")
_RECORDS = {"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VCARD"}
_LEFT_OUT = {
    "BEGIN", "END", "VERSION", "PRODID", "UID", "DTSTAMP", "SEQUENCE", "REV", "PHOTO", "LOGO", "SOUND", "KEY",
    "ATTACH", "CLASS", "TRANSP", "CREATED", "LAST-MODIFIED", "N", "CALSCALE", "METHOD", "TRIGGER", "ACTION",
}  # fmt: skip
"""Numbers and pictures that say nothing to a person; the name of a contact is in FN as well."""
_NAMES = {
    "DTSTART": "Start", "DTEND": "End", "TEL": "Phone", "ADR": "Address", "ORG": "Organization", "BDAY": "Birthday",
    "RRULE": "Repeats", "RDATE": "Also on", "EXDATE": "Not on", "FN": "Name", "X-WR-CALNAME": "Calendar",
    "X-ALT-DESC": "", "GEO": "Place", "URL": "Address on the web",
}  # fmt: skip
_MOMENTS = {"DTSTART", "DTEND", "DUE", "COMPLETED", "RECURRENCE-ID", "BDAY", "ANNIVERSARY", "RDATE", "EXDATE"}
_PEOPLE = {"ORGANIZER", "ATTENDEE"}
_LISTS = {"ADR", "ORG", "N"}


@dataclass
class _Property:
    line: int
    name: str
    parameters: dict[str, str]
    value: str


@dataclass
class _Record:
    kind: str
    properties: list[_Property] = field(default_factory=list)

    def title(self) -> str:
        """The summary of an event, or the name of a person."""
        values = {each.name: _shown(each) for each in reversed(self.properties)}
        return values.get("SUMMARY") or values.get("FN") or values.get("N") or values.get("ORG") or ""


def read(raw: bytes, name: str) -> Parsed:
    """Read a file: each record is a section, each of its properties a line."""
    decoded = decode(raw)
    extraction = Extraction()
    above = _Record("")
    open_records: list[_Record] = [above]
    title = ""
    for found in _properties(decoded.text):
        if found.name == "BEGIN":
            open_records.append(_Record(found.value.strip().upper()))
        elif found.name == "END" and len(open_records) > 1:
            ended = open_records.pop()
            if ended.kind in _RECORDS:
                _write(extraction, ended)
        elif found.name in ("X-WR-CALNAME", "NAME") and len(open_records) == 2:
            title = title or _shown(found)
        else:
            open_records[-1].properties.append(found)
    for unfinished in reversed(open_records):
        if unfinished.kind in _RECORDS:
            extraction.cut(f"its last {unfinished.kind} does not end")
            _write(extraction, unfinished)
    return extraction.parsed(name, title)


def _write(extraction: Extraction, record: _Record) -> None:
    if not record.properties:
        return
    title = record.title()
    if title:
        extraction.heading(1, title, line=record.properties[0].line)
    for each in record.properties:
        shown = _shown(each)
        if each.name in _LEFT_OUT or not shown or (each.name in ("SUMMARY", "FN") and shown == title):
            continue
        label = _NAMES.get(each.name, each.name.removeprefix("X-").replace("-", " ").capitalize())
        extraction.block(f"{label}: {shown}" if label else shown, apart=False, line=each.line)


def _properties(text: str) -> Iterator[_Property]:
    """The properties with their lines, unfolded and decoded."""
    held, first = "", 1
    for number, line in enumerate(split_lines(text), 1):
        is_soft = held.endswith("=") and "QUOTED-PRINTABLE" in held.upper()
        if line[:1] in (" ", "\t") and held:
            held += line[1:]
        elif is_soft:
            held = held[:-1] + line
        else:
            yield from _property(held, first)
            held, first = line, number
    yield from _property(held, first)


def _property(text: str, line: int) -> Iterator[_Property]:
    found = _LINE.match(text)
    if found is None:
        return
    parameters = {
        (each["name"] or "TYPE").upper(): each["value"].strip('"')
        for each in _PARAMETER.finditer(found["parameters"])
    }
    value = found["value"]
    if "QUOTED-PRINTABLE" in found["parameters"].upper():
        codec = codec_of_label(parameters.get("CHARSET", "")) or "utf-8"
        value = quopri.decodestring(value.encode("utf-8", "replace")).decode(codec, "replace")
    yield _Property(line, found["name"].upper(), parameters, value)


def _shown(found: _Property) -> str:
    """The value as a person reads it."""
    value = found.value
    if found.name in _MOMENTS:
        zone = found.parameters.get("TZID", "")
        return " ".join(filter(None, [_MOMENT.sub(_moment, value), zone]))
    if found.name in _LISTS:
        value = ", ".join(filter(None, (part.strip() for part in re.split(r"(?<!\\);", value))))
    value = _ESCAPE.sub(lambda escape: "\n" if escape[1] in "nN" else escape[1], value).strip()
    if found.name in _PEOPLE or value.lower().startswith("mailto:"):
        value = re.sub("^mailto:", "", value, flags=re.IGNORECASE)
        name = found.parameters.get("CN", "")
        return f"{name} <{value}>" if name and name != value else value
    if found.name in ("TEL", "EMAIL", "ADR") and (kind := found.parameters.get("TYPE", "").lower()):
        return f"{value.removeprefix('tel:')} ({kind})" if value else ""
    return "" if value.startswith("data:") else value


def _moment(found: re.Match[str]) -> str:
    date = f"{found[1]}-{found[2]}-{found[3]}"
    if not found[4]:
        return date
    seconds = f":{found[6]}" if found[6] and found[6] != "00" else ""
    return f"{date} {found[4]}:{found[5]}{seconds}{' UTC' if found[7] else ''}"
