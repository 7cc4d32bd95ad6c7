"""The curves as a picture: docs/performance.svg, the same bytes for the same figures."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.benchmarks.curves import Curve

# Readable on white and on black alike; the marks differ too, for those who do not see the colours.
_INK = "#808080"
_LINES = (("#3b82f6", "o"), ("#f97316", "s"), ("#22a06b", "^"), ("#a855f7", "D"), ("#e11d48", "v"))
_SETTINGS = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "mockscim",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def draw(groups: Sequence[Sequence[Curve]]) -> str:
    """An SVG with a panel for each group of curves, both axes logarithmic."""
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(10, 3.6), layout="constrained")
        panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
        for panel, curves in zip(panels, groups, strict=True):
            for curve, (colour, mark) in zip(curves, _LINES, strict=False):
                sizes, costs = zip(*curve.points, strict=True)
                title = f"{curve.title} ({curve.slope:+.2f})"
                panel.loglog(sizes, costs, color=colour, marker=mark, markersize=4, linewidth=1.4, label=title)
            panel.set_xlabel(curves[0].along)
            panel.grid(visible=True, which="major")
            panel.minorticks_off()
            panel.legend(loc="upper left", fontsize=7)
            low, high = panel.get_ylim()
            panel.set_ylim(low, high)
        panels[0].set_ylabel("server CPU, µs a request")
        costs = [cost for curves in groups for curve in curves for _, cost in curve.points]
        panels[0].set_ylim(min(costs) / 2, max(costs) * 8)
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return file.getvalue()
