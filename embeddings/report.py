"""The report of a training run: `report/index.html` and its plots, to be read by a person without any server.

Draws what it is given; decides and measures nothing.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

MAP_PINS_MAX: Final = 2_500
"""More would take t-SNE longer than the training of a small graph."""
COLOURED: Final = 10
"""Interests with a colour of their own on the map; the rest are grey."""
NAMES: Final[Mapping[str, str]] = {
    "model": "model (one dot product)",
    "blend": "model + 2-hop filter",
    "filter": "2-hop filter",
    "gf_cf": "GF-CF",
    "ials": "iALS",
    "item_knn": "item-kNN",
    "popularity": "popularity",
    "filter_aged": "2-hop filter, saves aged",
    "popularity_aged": "popularity, saves aged",
}
_INK, _GRID, _ACCENT, _MUTED = "#1c2733", "#dde3ea", "#0b6e99", "#8a97a6"
_STYLE: Final[dict[Any, Any]] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _INK,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@dataclass(frozen=True, slots=True)
class PinMap:
    """Pins to draw: vectors (n, dim), an interest's name for each (None: none), and how often each was saved."""

    vectors: NDArray[np.float32]
    interests: Sequence[str | None]
    saves: NDArray[np.float64]


def write_report(
    folder: Path,
    *,
    title: str,
    facts: Mapping[str, str],
    evaluation: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    pins: PinMap,
) -> None:
    """Writes the page and its plots into `folder`, which is made. history: records of all phases (`phase`, `epoch`, `loss`)."""
    folder.mkdir()
    figures: list[tuple[str, str]] = []
    mpl.use("Agg")
    with mpl.rc_context(_STYLE):
        _save(draw_loss(history), folder / "loss.png")
        figures.append(("loss.png", "Loss by epoch, and the score on the validation split that decides when to stop."))
        if evaluation.get("results"):
            _save(draw_methods(evaluation), folder / "methods.png")
            _save(draw_recall(evaluation), folder / "recall.png")
            figures.insert(
                0, ("methods.png", "Every method on the held-out saves; bars are 95 % bootstrap intervals over users.")
            )
            figures.insert(1, ("recall.png", "Recall by length of the list."))
        if len(pins.vectors) > 3:
            _save(draw_map(pins), folder / "map.png")
            figures.append(
                ("map.png", "Pins whose vectors point the same way lie together; the bigger, the more often saved.")
            )
    (folder / "index.html").write_text(_page(title, facts, evaluation, figures), encoding="utf-8")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=140, bbox_inches="tight", facecolor="white", metadata={"Software": None})


def draw_loss(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Loss of each phase, and beside it the validation metrics."""
    scored = [name for name in history[0] if name.startswith("validation_")] if history else []
    figure = Figure(figsize=(9.5, 3.6), layout="constrained")
    axes = figure.subplots(1, 2 if scored else 1, squeeze=False)[0]
    colours = {"validation": _MUTED, "test": "#d98c21", "publish": _ACCENT}
    labels = {
        "validation": "to choose when to stop",
        "test": "to be measured",
        "publish": "to be published, on all saves",
    }
    for phase in dict.fromkeys(str(record["phase"]) for record in history):
        mine = [record for record in history if record["phase"] == phase]
        axes[0].plot(
            [r["epoch"] for r in mine],
            [r["loss"] for r in mine],
            marker="o",
            ms=4,
            color=colours[phase],
            label=labels[phase],
        )
    axes[0].set(title="Loss", xlabel="epoch", ylabel="sampled softmax, nats")
    axes[0].legend(frameon=False)
    _tidy(axes[0])
    for name, colour in zip(scored, (_ACCENT, "#d98c21"), strict=False):
        mine = [record for record in history if name in record]
        axes[1].plot(
            [r["epoch"] for r in mine],
            [r[name] for r in mine],
            marker="o",
            ms=4,
            color=colour,
            label=name.removeprefix("validation_"),
        )
    if scored:
        axes[1].set(title="Validation", xlabel="epoch")
        axes[1].legend(frameon=False)
        _tidy(axes[1])
    return figure


def draw_methods(evaluation: Mapping[str, Any]) -> Figure:
    """Each metric as a row of points with intervals, the best method on top."""
    results = {**evaluation["results"], **evaluation.get("also", {})}
    metrics = list(next(iter(results.values())))
    order = sorted(results, key=lambda name: results[name][metrics[0]])
    figure = Figure(figsize=(9.5, 0.42 * len(order) + 1.3), layout="constrained")
    for place, (axes, metric) in enumerate(zip(figure.subplots(1, len(metrics), sharey=True), metrics, strict=True)):
        for row, name in enumerate(order):
            mean, bounds = results[name][metric], evaluation["intervals_95"][name][metric]
            colour = _ACCENT if name in {"model", "blend"} else _MUTED
            if bounds is not None:
                axes.plot(bounds, [row, row], color=colour, lw=2, solid_capstyle="round")
            axes.plot([mean], [row], "o", ms=7, color=colour)
            axes.annotate(
                f"{mean:.3f}", (mean, row), textcoords="offset points", xytext=(0, 7), ha="center", fontsize=8
            )
        axes.set(title=metric, xlim=(0, None), ylim=(-0.6, len(order) - 0.2))
        if not place:
            axes.set_yticks(range(len(order)), [NAMES.get(name, name) for name in order])
        _tidy(axes, "x")
    return figure


def draw_recall(evaluation: Mapping[str, Any]) -> Figure:
    """Recall over k of every method."""
    curve = evaluation["recall_curve"]
    figure = Figure(figsize=(9.5, 4), layout="constrained")
    axes = figure.subplots()
    greys = iter(("#d98c21", "#7a9a01", "#a05195", "#c0504d", "#5c6b7a", "#b8a33c", "#999999"))
    names = sorted((name for name in curve if name != "k"), key=lambda name: -curve[name][-1])
    for name in names:
        first = name == "model"
        axes.plot(
            curve["k"],
            curve[name],
            color=_ACCENT if first else next(greys, _MUTED),
            lw=2.8 if first else 1.4,
            ls="--" if name.endswith("_aged") or name == "blend" else "-",
            label=NAMES.get(name, name),
            zorder=3 if first else 2,
        )
    axes.set(
        title="Recall@k",
        xlabel="k: length of the list",
        ylabel="share of held-out saves found",
        xlim=(0, max(curve["k"])),
    )
    axes.set_ylim(0, None)
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    _tidy(axes)
    return figure


def draw_map(pins: PinMap) -> Figure:
    """Pins in two dimensions, by t-SNE of their directions."""
    # Pins that nobody saved are where their interests put them, all of an interest on one spot: nothing to look at.
    drawn = min(MAP_PINS_MAX, int((pins.saves > 0).sum()) or len(pins.saves))
    chosen = np.argsort(-pins.saves, kind="stable")[:drawn]
    names = [pins.interests[row] for row in chosen]
    known = [name for name in names if name is not None]
    counted = sorted(set(known), key=lambda name: (-known.count(name), name))[:COLOURED]
    place = project(pins.vectors[chosen])
    size = 8 + 70 * np.sqrt(pins.saves[chosen] / max(pins.saves.max(), 1))
    figure = Figure(figsize=(9.5, 7), layout="constrained")
    axes = figure.subplots()
    palette = mpl.colormaps["tab10"](np.arange(10))
    rest = np.array([name not in counted for name in names])
    axes.scatter(*place[rest].T, s=size[rest], c="#c9d0d8", lw=0, alpha=0.6, label="other" if counted else "pins")
    for colour, name in zip(palette, counted, strict=False):
        mine = np.array([other == name for other in names])
        axes.scatter(*place[mine].T, s=size[mine], color=colour, lw=0.3, edgecolors="white", alpha=0.8, label=name)
    axes.set(title="Pins by interest", xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_visible(False)
    legend = axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=9)
    for handle in legend.legend_handles:
        handle.set_sizes([40])  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue] a PathCollection
    return figure


def project(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n, 2): t-SNE over cosine distance, started from the principal components; those alone for very few."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0).astype(np.float64)
    if len(unit) < 50:
        return PCA(2, svd_solver="full").fit_transform(unit)
    found = TSNE(2, perplexity=min(30, len(unit) / 4), init="pca", random_state=0, max_iter=600).fit_transform(unit)
    return np.asarray(found, np.float64)


def _tidy(axes: Axes, grid: str = "both") -> None:
    axes.grid(visible=True, axis=grid, color=_GRID, lw=0.8)  # pyright: ignore[reportArgumentType]
    axes.set_axisbelow(True)
    axes.tick_params(length=0)


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1c2733; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }}
th, td {{ text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid #dde3ea }}
td.n {{ text-align: right }} tr.model td {{ font-weight: 600; color: #0b6e99 }}
figure {{ margin: 2rem 0 }} img {{ max-width: 100%; height: auto }} figcaption, .note {{ color: #5c6b7a }}
</style></head><body>
<h1>{title}</h1>
<table>{facts}</table>
{results}
{figures}
</body></html>
"""


def _page(
    title: str, facts: Mapping[str, str], evaluation: Mapping[str, Any], figures: Sequence[tuple[str, str]]
) -> str:
    return _PAGE.format(
        title=html.escape(title),
        facts="".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in facts.items()),
        results=_results_table(evaluation)
        if evaluation.get("results")
        else "<p>Not evaluated: too few saves to hold any out.</p>",
        figures="".join(
            f'<figure><img src="{name}" alt="{html.escape(text)}"><figcaption>{html.escape(text)}</figcaption></figure>'
            for name, text in figures
        ),
    )


def _results_table(evaluation: Mapping[str, Any]) -> str:
    results = {**evaluation["results"], **evaluation.get("also", {})}
    metrics = list(next(iter(results.values())))
    beyond = evaluation["beyond_accuracy"]
    head = "".join(f"<th>{name}</th><th>95 %</th>" for name in metrics)
    rows: list[str] = []
    for name in sorted(results, key=lambda name: -results[name][metrics[0]]):
        cells = "".join(
            f'<td class="n">{results[name][metric]:.4f}</td>'
            f'<td class="n">{_bounds(evaluation["intervals_95"][name][metric])}</td>'
            for metric in metrics
        )
        mark = ' class="model"' if name == "model" else ""
        rows.append(
            f'<tr{mark}><td>{NAMES.get(name, name)}</td>{cells}<td class="n">{beyond[name]["coverage@20"]:.3f}</td>'
            f'<td class="n">{beyond[name]["popularity_bias@20"]:.3f}</td></tr>'
        )
    split = evaluation["split"]
    note = (
        f"Split: {split['rule']}. {split['scored_users']:,} users are scored on {split['test_pairs']:,} held-out saves; "
        f"{split['cold_users']:,} more have too few saves in train and are not. "
        f"{split['train_pairs']:,} saves were learnt from."
    )
    return (
        f"<h2>Against the baselines</h2><table><tr><th>method</th>{head}<th>coverage@20</th><th>popularity bias@20</th></tr>"
        f'{"".join(rows)}</table><p class="note">{note}</p>'
    )


def _bounds(bounds: Sequence[float] | None) -> str:
    return "–" if bounds is None else f"{bounds[0]:.3f} – {bounds[1]:.3f}"
