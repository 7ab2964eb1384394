"""The severity of findings: those of a severe rule come first, whatever their points."""

from collections.abc import Iterable
from typing import Literal

from trail.core import catalogue
from trail.findings import rules
from trail.findings.model import Finding

Severity = Literal["high", "medium", "low"]
HIGH: Severity = "high"

_RULE = "rule:"


def severe_detectors() -> frozenset[str]:
    """Return the detectors, as in a reason, whose findings come first and are always shown."""
    return frozenset(f"{_RULE}{rule.name}" for rule in rules.rules() if rule.severe)


def of(finding: Finding) -> Severity:
    """Return the severity: high by a severe rule, else the level of the riskiest action observed.

    The title names that action or another one of the same day.
    """
    if any_severe(reason.detector for reason in finding.reasons):
        return HIGH
    risks = [
        int(seen["risk"]) for reason in finding.reasons for seen in reason.facts.get("seen", ())
    ]
    level: Severity = catalogue.risk_level(max(risks, default=0))  # type: ignore[assignment]
    return level


def severe_sql() -> str:
    """Return the SQL condition that a row of `findings` has a severe reason."""
    # Quotes in a text are escaped in JSON, so no text of an event can look like this.
    found = [f'contains(reasons, \'"detector": "{name}"\')' for name in severe_detectors()]
    return f"({' or '.join(sorted(found)) or 'false'})"


def any_severe(detectors: Iterable[str]) -> bool:
    """Return whether one of *detectors* is severe."""
    return not severe_detectors().isdisjoint(detectors)
