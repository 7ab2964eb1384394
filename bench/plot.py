"""Draw the result of `bench.roll`: three small charts over the same days, as SVG.

The colors follow the viewer's light or dark mode.
"""

from collections.abc import Sequence

_CHARTS = (
    ("events", "Events kept, thousands", 1e3),
    ("mb", "File, MB", 1),
    ("query_ms", "Query of 7 days, ms", 1),
)
_WIDTH, _HEIGHT, _LEFT, _TOP = 240, 130, 48, 34
_STYLE = """
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; fill: #1f2328 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.kept { stroke: #8c959f; stroke-width: 1; stroke-dasharray: 3 3 }
.line { fill: none; stroke: #0969da; stroke-width: 2; stroke-linejoin: round }
.last { fill: #0969da }
@media (prefers-color-scheme: dark) {
 text { fill: #9198a1 } .title { fill: #f0f6fc } .grid { stroke: #3d444d }
 .line { stroke: #4493f8 } .last { fill: #4493f8 }
}
"""


def small_multiples(samples: Sequence[dict[str, float]], kept: int) -> str:
    """Return an SVG of events, file size and query time by day; a dashed line marks day *kept*."""
    width = len(_CHARTS) * (_LEFT + _WIDTH) + (len(_CHARTS) - 1) * 20 + 24
    height = _TOP + _HEIGHT + 44
    charts = "".join(
        f'<g transform="translate({_LEFT + number * (_LEFT + _WIDTH + 20)},{_TOP})">'
        f"{_chart(samples, name, title, unit, kept)}</g>\n"
        for number, (name, title, unit) in enumerate(_CHARTS)
    )
    last = samples[-1]
    words = (
        f"After {last['day']:.0f} days: {last['events']:,.0f} events, {last['mb']:.0f} MB, "
        f"{last['query_ms']:.0f} ms for a query of 7 days."
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{words}">\n'
        f"<title>{words}</title>\n<style>{_STYLE}</style>\n{charts}</svg>\n"
    )


def _chart(
    samples: Sequence[dict[str, float]], name: str, title: str, unit: float, kept: int
) -> str:
    days = max(sample["day"] for sample in samples)
    step = _step(max(sample[name] for sample in samples) / unit)
    top = step * 4

    def x(day: float) -> float:
        return round(day / days * _WIDTH, 1)

    def y(value: float) -> float:
        return round(_HEIGHT - value / unit / top * _HEIGHT, 1)

    parts = [f'<text class="title" x="0" y="-16">{title}</text>']
    for number in range(0, 5, 2):
        at = _HEIGHT - number / 4 * _HEIGHT
        parts.append(
            f'<line class="grid" x1="0" x2="{_WIDTH}" y1="{at}" y2="{at}"/>'
            f'<text x="-6" y="{at + 4}" text-anchor="end">{number * step:g}</text>'
        )
    for day in range(0, int(days) + 1, 100):
        parts.append(f'<text x="{x(day)}" y="{_HEIGHT + 18}" text-anchor="middle">{day}</text>')
    words = f"day (dashed: {kept})"
    parts.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT + 36}" text-anchor="middle">{words}</text>')
    parts.append(f'<line class="kept" x1="{x(kept)}" x2="{x(kept)}" y1="0" y2="{_HEIGHT}"/>')
    points = " ".join(f"{x(sample['day'])},{y(sample[name])}" for sample in samples)
    last = samples[-1]
    parts.append(f'<polyline class="line" points="{points}"/>')
    parts.append(f'<circle class="last" cx="{x(last["day"])}" cy="{y(last[name])}" r="3"/>')
    return "".join(parts)


def _step(most: float) -> float:
    """Return a round step of which four cover *most*."""
    size = 1.0
    while size * 10 * 4 < most:
        size *= 10
    return next(size * factor for factor in (1, 1.5, 2, 2.5, 5, 10) if size * factor * 4 >= most)
