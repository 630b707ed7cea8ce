"""Pictures that move: a slider through the steps of something.

All steps are drawn before they are shown, and the browser alone turns the pages: they
move also where no Python is running, on a page that was made from the notebook.
"""

import io

import ipywidgets
from matplotlib import pyplot

from zhasr import plot

INTERVAL = 700  # milliseconds between two steps when it plays


def steps(draw, count, label="step", interval=INTERVAL):
    """A slider and a play button through pictures.

    Args:
        draw: function from a step, 0 to count - 1, to matplotlib Axes (or an array of
            them) of a figure that is made for it; the figure is closed again.
        count: int, steps; a dozen small pictures are a good measure, for all of them
            are stored in the notebook.
        label: str, what a step is.
        interval: int, milliseconds for one step.

    Returns:
        ipywidgets.VBox, to be the last line of a cell.

    Notebook: 03_hearing.ipynb
    """
    pages = ipywidgets.Stack(
        [
            ipywidgets.Image(value=_png(draw(step)), format="png")
            for step in range(count)
        ],
        selected_index=0,
    )
    play = ipywidgets.Play(min=0, max=count - 1, interval=interval)
    slider = ipywidgets.IntSlider(
        min=0, max=count - 1, description=label, continuous_update=True
    )
    ipywidgets.jslink((play, "value"), (slider, "value"))
    ipywidgets.jslink((slider, "value"), (pages, "selected_index"))
    return ipywidgets.VBox([ipywidgets.HBox([play, slider]), pages])


def _png(axes):
    """The figure of axes as png, and closed, so that it is not shown twice."""
    first = axes.flat[0] if hasattr(axes, "flat") else axes
    packed = io.BytesIO()
    first.figure.savefig(packed, format="png", dpi=plot.RESOLUTION)
    pyplot.close(first.figure)
    return packed.getvalue()
