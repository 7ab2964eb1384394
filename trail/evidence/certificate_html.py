"""The certificate as a self-contained HTML page for the screen and for printing on A4."""

from html import escape

from trail.evidence import certificate
from trail.findings.sign_offs import Signoff

_STYLE = """
@page { size: A4; margin: 16mm 16mm 18mm }
* { box-sizing: border-box }
body { font: 13px/1.5 "Source Sans 3", "Source Sans Pro", "Noto Sans", system-ui, sans-serif;
 color: #1a2029; background: #fff; max-width: 50rem; margin: 2.5rem auto; padding: 0 1.5rem;
 overflow-wrap: anywhere }
header { display: flex; justify-content: space-between; color: #5a6472 }
header b { color: #1a2029 }
h1 { font-size: 24px; line-height: 1.25; margin: 1rem 0 .4rem }
h2 { font-size: 14px; margin: 1.5rem 0 .5rem; padding-bottom: .3rem;
 border-bottom: 1px solid #1a2029; break-after: avoid }
p { margin: .2rem 0 }
dl { display: grid; grid-template-columns: 8rem 1fr; gap: .15rem .75rem; margin: 0 }
dt, .muted { color: #5a6472 }
dd { margin: 0 }
.facts { margin-top: .9rem }
.tiles { display: flex; border: 1px solid #c9cfda; border-radius: 6px; margin: 1rem 0 }
.tiles div { flex: 1; padding: .5rem .8rem }
.tiles div + div { border-left: 1px solid #e2e5ea }
.tiles b { display: block; font-size: 18px; line-height: 1.3 }
.tiles span { color: #5a6472 }
.changed { border-left: 3px solid #b3261e; background: #fceeec; padding: .5rem .9rem;
 margin: .9rem 0 }
.changed b, .changed-fact { color: #b3261e; font-weight: 600 }
.unchanged-fact { color: #1b6e4a; font-weight: 600 }
table { width: 100%; border-collapse: collapse; table-layout: fixed }
thead { display: table-header-group }
th { text-align: left; font-weight: 400; color: #5a6472; padding: .25rem .75rem .25rem 0 }
td { vertical-align: top; padding: .45rem .75rem .45rem 0; border-top: 1px solid #e2e5ea }
tr { break-inside: avoid }
.id { width: 9.5rem } .decision { width: 7.5rem } td.decision { font-weight: 600 }
code { font: 11.5px/1.6 "Source Code Pro", "Noto Sans Mono", ui-monospace, monospace }
ol { margin: 0; padding-left: 1.3rem }
footer { display: flex; gap: 1.5rem; justify-content: space-between; color: #5a6472;
 border-top: 1px solid #e2e5ea; margin-top: 2rem; padding-top: .5rem; font-size: 11.5px }
@media print { body { margin: 0; padding: 0; max-width: none } }
"""


def page(signed: Signoff, workspace: str) -> str:
    """Return the certificate of *signed*; *workspace* names it for one without a body."""
    view = certificate.view(signed, workspace)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(view['number'])}</title><style>{_STYLE}</style></head><body>"
        f"<header><b>Audit Trail</b><span>{escape(view['number'])}</span></header>"
        f"<h1>{escape(view['title'])}</h1><p>{escape(view['statement'])}</p>"
        f"{_changes(view)}{_facts(view)}{_tiles(view)}"
        f"<h2>Decisions</h2>{_decisions(view)}"
        f"<h2>Coverage gaps</h2>{_paragraphs(view['coverage'])}"
        f"<h2>Late arrivals and removals</h2>{_paragraphs(view['late'])}"
        f"<h2>Fingerprint</h2>{_rows(view['fingerprints'])}"
        '<p class="muted">SHA-256. Send the first line to the auditor separately from this '
        "document.</p>"
        f"<h2>Signature</h2>{_rows(view['signature'])}"
        f"<h2>How to verify</h2>{_steps(view)}"
        f"<footer><span>{escape(view['footer'])}</span><span>{escape(view['limits'])}</span>"
        "</footer></body></html>\n"
    )


def _changes(view: certificate.View) -> str:
    again = f"<p>{escape(view['again'])}</p>" if view["again"] else ""
    if not view["changes"]:
        return again
    return (
        f'<div class="changed"><b>{escape(view["status"])}</b>'
        f"{_paragraphs(view['changes'])}{again}</div>"
    )


def _facts(view: certificate.View) -> str:
    mark = "unchanged-fact" if view["unchanged"] else "changed-fact"
    rows = "".join(
        f"<dt>{escape(row['label'])}</dt>"
        + (f'<dd class="{mark}">' if row["label"] == "Status" else "<dd>")
        + f"{escape(row['value'])}</dd>"
        for row in view["facts"]
    )
    return f'<dl class="facts">{rows}</dl>'


def _tiles(view: certificate.View) -> str:
    tiles = "".join(
        f"<div><b>{escape(number)}</b><span>{escape(label)}</span></div>"
        for number, label in view["tiles"]
    )
    return f'<div class="tiles">{tiles}</div>'


def _decisions(view: certificate.View) -> str:
    if not view["decisions"]:
        return f"<p>{escape(view['no_decisions'])}</p>"
    rows = "".join(
        f"<tr><td><code>{escape(row['id'])}</code></td><td><b>{escape(row['sentence'])}</b>"
        + "".join(f'<br><span class="muted">{escape(line)}</span>' for line in row["by"])
        + f'</td><td class="decision">{escape(row["decision"])}</td></tr>'
        for row in view["decisions"]
    )
    return (
        '<table><thead><tr><th class="id">Finding</th>'
        '<th>What happened, who decided and why</th><th class="decision">Decision</th></tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _rows(rows: list[dict[str, str]]) -> str:
    return (
        "<dl>"
        + "".join(
            f"<dt>{escape(row['label'])}</dt><dd>"
            + (f"<code>{escape(row['value'])}</code>" if row["code"] else escape(row["value"]))
            + "</dd>"
            for row in rows
        )
        + "</dl>"
    )


def _steps(view: certificate.View) -> str:
    steps = "".join(
        f"<li>{escape(step['text'])}"
        + (f"<br><code>{escape(step['command'])}</code>" if step["command"] else "")
        + "</li>"
        for step in view["verify"]
    )
    return f"<ol>{steps}</ol>"


def _paragraphs(texts: list[str]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts)
