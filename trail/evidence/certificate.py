"""The certificate of a sign-off: as JSON, and as the texts that its HTML and PDF show.

All of it is made from the stored body of the sign-off, never from a page's filter. Text of events
and people is hostile: characters that are invisible or reorder text are shown as their code points.
"""

import datetime as dt
import unicodedata
from typing import Any
from zoneinfo import ZoneInfo

from trail.core import clock
from trail.core.clock import local_text, naive_utc, utc_text
from trail.core.settings import Settings
from trail.events.event_digest import DIGEST_IS_OVER
from trail.findings.sign_offs import CONTEXT, Signoff
from trail.findings.signable_days import days_text
from trail.ingest import directory
from trail.integrity import key_file
from trail.storage.engine import Engine
from trail.storage.filters import Filter

ADDRESS = "/export.certificate"
UNCHANGED = "Unchanged since signing"

_NO_BODY = (
    "Not stored: this sign-off was made by an earlier version, which recorded only the number and "
    "the digest of the events and the number of findings."
)
_ALTERED = "Not shown: the stored sign-off does not match its signature."
_JOINERS = ("\u200c", "\u200d")
# Letters and marks without a shape: fillers of Hangul and Khmer, the grapheme joiner.
_SHAPELESS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"

View = dict[str, Any]


def address(signed: Signoff, file_format: str) -> str:
    """Return the URL of the certificate of *signed* as html, pdf or json."""
    return f"{ADDRESS}.{file_format}?sign_off={signed.signoff_id}"


def workspace_of(engine: Engine, settings: Settings) -> str:
    """Return the name of the workspace: the setting, else the one that its API tells."""
    return settings.workspace or directory.workspace_name(engine)


def document(signed: Signoff, workspace: str) -> dict[str, Any]:
    """Return the certificate as JSON; *workspace* names it for a sign-off without a body."""
    body = signed.body
    result = {
        "document": "Sign-off of an audit trail period",
        "workspace": body.get("workspace", workspace),
        "number": signed.signoff_id,
        "from": utc_text(signed.from_at),
        "to": utc_text(signed.to_at),
        "filter": signed.query,
        "events": signed.events,
        "digest": f"sha256:{signed.digest}",
        "digest_is_over": DIGEST_IS_OVER,
        "findings": signed.findings,
        "undecided": signed.undecided,
        "reason": signed.reason,
        "signed_by": signed.signed_by,
        "signed_at": utc_text(signed.signed_at),
        "state": signed.state,
        "changes": [change.to_dict() for change in signed.changes],
        "decisions": [
            {"finding_id": finding["finding_id"], **decision}
            for finding in body.get("findings", [])
            for decision in finding["decisions"]
        ],
    }
    if not body:
        return {**result, "note": _missing(signed)}
    return {
        **result,
        "zone": body["period"]["zone"],
        "filter_words": body["filter"]["words"],
        "coverage": body["coverage"],
        "late": body["late"],
        "removed": body["removed"],
        "seals": body["seals"],
        "fingerprint": signed.fingerprint,
        "key": signed.key,
        "signature": signed.signature,
        "signature_is_over": f"{CONTEXT}, LF, fingerprint in hex",
    }


def view(signed: Signoff, workspace: str) -> View:
    """Return the texts of the certificate, in their order, each safe to show."""
    body, zone = signed.body, Filter.parse_signed(signed.query).zone
    days = _days(signed, zone)
    missing = _missing(signed) if not body else ""
    raw = {
        "title": "Signed review of an audit trail period",
        "number": f"Sign-off {signed.signoff_id}",
        "statement": _statement(signed, body.get("workspace", workspace), days),
        "period": f"{days}, {zone.key}",
        "summary": _summary(signed, zone),
        "unchanged": not signed.changes,
        "status": _status(signed),
        "changes": [
            _change(change.text, change.made_by, change.made_at, zone) for change in signed.changes
        ],
        "again": f"Signed again as sign-off {signed.signed_again}." if signed.signed_again else "",
        "facts": _facts(signed, body.get("workspace", workspace), days, zone),
        "tiles": _tiles(signed),
        "decisions": [_finding(finding, zone) for finding in body.get("findings", [])],
        "no_decisions": missing or "No findings in these days.",
        "coverage": _coverage(body, zone) if body else [missing],
        "late": _late(body, zone) if body else [missing],
        "fingerprints": _fingerprints(signed),
        "signature": _signature(signed, zone),
        "verify": _verify(signed),
        "footer": f"{body.get('workspace', workspace)} · {days}",
        "limits": "Proves that stored records did not change after sealing; not that Segment sent "
        "every event.",
    }
    return {name: _shown(value) for name, value in raw.items()}


def _status(signed: Signoff) -> str:
    if not signed.changes:
        return UNCHANGED
    return "Not compared" if signed.is_unknown else "Changed after signing"


def _summary(signed: Signoff, zone: ZoneInfo) -> str:
    reason = f": {signed.reason}" if signed.reason else ""
    return (
        f"{_count(signed.events, 'event')}, {_count(signed.findings, 'finding')}, "
        f"{signed.undecided:,} undecided · signed by {signed.signed_by}, "
        f"{local_text(signed.signed_at, zone)}{reason}"
    )


def _missing(signed: Signoff) -> str:
    return _ALTERED if signed.fingerprint else _NO_BODY


def _days(signed: Signoff, zone: ZoneInfo) -> str:
    if signed.body:
        period = signed.body["period"]
        first, last = (dt.date.fromisoformat(period[name]) for name in ("first", "last"))
        return days_text((first, last))
    return f"{local_text(signed.from_at, zone)} to {local_text(signed.to_at, zone)}"


def _statement(signed: Signoff, workspace: str, days: str) -> str:
    who = signed.body.get("signer") or signed.signed_by
    of = f"of the Segment workspace {workspace}" if workspace else "of the workspace"
    which = "the events that match the filter below" if _narrowed(signed) else "the events"
    decided = signed.findings - signed.undecided
    findings = (
        f"that all {_count(signed.findings, 'finding')} were decided"
        if not signed.undecided
        else f"that {decided:,} of {_count(signed.findings, 'finding')} were decided"
    )
    if not signed.findings:
        findings = "that they gave no findings"
    elif signed.findings == 1 and not signed.undecided:
        findings = "that the 1 finding was decided"
    reason = f" Comment: {signed.reason}" if signed.reason else ""
    return f"{who} reviewed {which} {of}, {days}, and confirms {findings}.{reason}"


def _narrowed(signed: Signoff) -> bool:
    chosen = Filter.parse_signed(signed.query)
    return bool(chosen.choices or chosen.q)


def _facts(signed: Signoff, workspace: str, days: str, zone: ZoneInfo) -> list[dict[str, Any]]:
    start = signed.from_at.replace(tzinfo=dt.UTC).astimezone(zone)
    number = len(signed.body["seals"]) if signed.body else 0
    sealed = f"{_count(number, 'UTC day')} closed and sealed before signing" if number else "–"
    words = signed.body["filter"]["words"] if signed.body else signed.query
    return [
        _row("Workspace", workspace or "–"),
        _row("Period", days),
        _row("Time zone", f"{zone.key} ({clock.utc_offset(start)} at the start)"),
        _row("Filter", words if _narrowed(signed) else "None: all events of the workspace"),
        _row("Days", sealed),
        _row("Status", _status(signed)),
    ]


def _tiles(signed: Signoff) -> list[list[str]]:
    late = len(signed.body.get("late", []))
    return [
        [f"{signed.events:,}", "events"],
        [f"{signed.findings:,}", "findings"],
        [f"{signed.undecided:,}", "undecided"],
        [f"{len(signed.body['coverage']['gaps']):,}" if signed.body else "–", "coverage gaps"],
        [f"{late:,}" if signed.body else "–", "late arrivals"],
    ]


def _finding(finding: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    decisions = finding["decisions"]
    latest = decisions[-1]["decision"] if decisions else "open"
    return {
        "id": finding["finding_id"],
        "sentence": finding["sentence"],
        "by": [_decided(decision, zone) for decision in decisions] or ["No decision"],
        "decision": "Undecided" if latest == "open" else latest.capitalize(),
    }


def _decided(decision: dict[str, Any], zone: ZoneInfo) -> str:
    verb = "Reopened" if decision["decision"] == "open" else decision["decision"].capitalize()
    when = local_text(_moment(decision["made_at"]), zone)
    return f"{verb} by {decision['made_by']}, {when}: {decision['note'] or 'no reason given'}"


def _change(text: str, made_by: str, made_at: dt.datetime | None, zone: ZoneInfo) -> str:
    who = made_by or "by whom is unknown"
    when = local_text(made_at, zone) if made_at else "when is unknown"
    return f"{text[:1].upper()}{text[1:]} ({who}, {when})"


def _coverage(body: dict[str, Any], zone: ZoneInfo) -> list[str]:
    names = {
        "gap": "No source was collecting; events may be missing",
        "unknown": "Unknown whether a source was collecting",
    }
    return [
        f"{local_text(_moment(span['from']), zone)} to {local_text(_moment(span['to']), zone)}: "
        f"{names[span['state']]}."
        for span in body["coverage"]["spans"]
        if span["state"] in names
    ] or ["No gaps: a source was collecting during the whole period."]


def _late(body: dict[str, Any], zone: ZoneInfo) -> list[str]:
    lines = [
        f"UTC day {row['day']}: {row['text'].removeprefix('late: ')}"
        + (
            f", sealed again {local_text(_moment(row['sealed_at']), zone)}."
            if row["sealed_at"]
            else "."
        )
        for row in body["late"]
    ]
    lines += [
        f"UTC day {row['day']}: {_count(row['events'], 'event')} removed by {row['made_by']}, "
        f"{local_text(_moment(row['made_at']), zone)}: {row['reason']}."
        for row in body["removed"]
    ]
    for row in body.get("problems", []):
        about = f" of UTC day {row['day']}" if row["day"] else ""
        lines.append(f"Verification had found a problem{about}: {row['text']}")
    return lines or ["No events arrived after their day was sealed."]


def _fingerprints(signed: Signoff) -> list[dict[str, Any]]:
    rows = [_row("Events digest", _groups(signed.digest), code=True)]
    if not signed.body:
        return rows
    last = signed.body["seals"][-1]
    return [
        _row("This sign-off", _groups(signed.fingerprint), code=True),
        *rows,
        _row(
            "Last seal",
            f"{last['day']} · no. {last['number']} · {_groups(last['seal'][:16])}",
            code=True,
        ),
    ]


def _signature(signed: Signoff, zone: ZoneInfo) -> list[dict[str, Any]]:
    name = signed.body.get("signer", "")
    who = f"{name} ({signed.signed_by})" if name else signed.signed_by
    rows = [_row("Signed by", who), _row("Signed at", local_text(signed.signed_at, zone))]
    if not signed.body:
        return rows
    return [
        *rows,
        _row("Method", "Ed25519 by the key of the seals"),
        _row("Key", key_file.fingerprint(signed.key), code=True),
        _row("Value", _groups(signed.signature), code=True),
    ]


def _verify(signed: Signoff) -> list[dict[str, str]]:
    number = signed.signoff_id
    if not signed.body:
        return [_step("Compare the events digest with that of an evidence pack of the period.", "")]
    return [
        _step(
            "Compare the fingerprint of this sign-off and of the key with those that you "
            "received separately.",
            "",
        ),
        _step(
            f"Download the evidence pack of sign-off {number}, unpack verify.py and run:",
            f'python3 verify.py PACK.zip --key "{key_file.fingerprint(signed.key)}"',
        ),
        _step(
            "It prints “No problems found” or names each difference; it needs no access to the "
            "server.",
            "",
        ),
        _step(
            f"The file sign-off-{number}.json of the pack is the text that was signed. Its "
            "SHA-256 is the fingerprint of this sign-off:",
            f"sha256sum sign-off-{number}.json",
        ),
    ]


def _row(label: str, value: str, *, code: bool = False) -> dict[str, Any]:
    return {"label": label, "value": value, "code": code}


def _step(text: str, command: str) -> dict[str, str]:
    return {"text": text, "command": command}


def _groups(text: str) -> str:
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _moment(text: str) -> dt.datetime:
    return naive_utc(dt.datetime.fromisoformat(text))


def _shown(value: Any) -> Any:
    """Return *value* with each of its texts safe to show."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items()}
    return value


def visible(text: str) -> str:
    """Return *text* on one line, with invisible and reordering characters as `[U+202E]`."""
    return "".join(
        letter if _is_visible(letter) else code_point(letter) for letter in " ".join(text.split())
    )


def code_point(letter: str) -> str:
    """Return the code point of *letter*: `[U+202E]`."""
    return f"[U+{ord(letter):04X}]"


def _is_visible(letter: str) -> bool:
    if letter in _SHAPELESS:
        return False
    return letter in _JOINERS or unicodedata.category(letter) not in (
        "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp",
    )  # fmt: skip
