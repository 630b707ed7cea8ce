"""Figures of the network: the tree lights what is heard, dots stand where they cost."""

import ipywidgets
import numpy as np
import pytest
from matplotlib import colors, pyplot

from zhasr import plot, plot_network, wavenet, widgets


@pytest.fixture(autouse=True)
def no_window():
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def lit_nodes(axes):
    """Places of the orange nodes: set of (frame, layer)."""
    orange = colors.to_rgba(plot.ORANGE)
    return {
        tuple(place)
        for nodes in axes.collections
        if tuple(nodes.get_facecolor()[0]) == orange
        for place in nodes.get_offsets().astype(int).tolist()
    }


@pytest.mark.parametrize(
    "dilations, taps", [((1, 2, 4, 8), 2), ((1, 3), 3), ((1, 1, 1), 3)]
)
def test_the_tree_lights_the_receptive_field(dilations, taps):
    axes = plot_network.tree(dilations, taps)
    heard = sorted(frame for frame, layer in lit_nodes(axes) if layer == 0)
    config = wavenet.Config(8, taps, 1, dilations, reduction=1)
    assert len(heard) == wavenet.receptive_field(config)
    assert heard == list(range(20 - len(heard), 20))  # no gaps, nothing of the future


def test_a_tree_that_is_not_causal_hears_both_sides():
    axes = plot_network.tree((1, 2), 3, causal=False)
    heard = sorted(frame for frame, layer in lit_nodes(axes) if layer == 0)
    assert heard == list(range(7, 14))


@pytest.mark.parametrize("lit, nodes", [(0, 1), (1, 3), (2, 7), (4, 31)])
def test_the_tree_lights_up_layer_by_layer(lit, nodes):
    assert len(lit_nodes(plot_network.tree((1, 2, 4, 8), lit=lit))) == nodes


def test_a_tree_with_gaps_lights_fewer_frames_than_it_spans():
    axes = plot_network.tree((2, 4), 2)
    heard = {frame for frame, layer in lit_nodes(axes) if layer == 0}
    assert heard == {13, 15, 17, 19}


def test_growth_is_in_milliseconds():
    axes = plot_network.growth({"one": [3, 5, 7]})
    assert axes.lines[0].get_ydata() == pytest.approx([30, 50, 70])


def test_gate_curves_lie_under_the_tanh():
    x = np.linspace(-2, 2, 5)
    axes = plot_network.gate_curves(x, {"half": np.tanh(x) / 2})
    np.testing.assert_allclose(axes.lines[0].get_ydata(), np.tanh(x))
    np.testing.assert_allclose(axes.lines[1].get_ydata(), np.tanh(x) / 2)


def test_gates_draw_the_product_below():
    filtered, opened = np.array([-1.0, 0.5, 1.0]), np.array([0.0, 1.0, 0.5])
    axes = plot_network.gates(filtered, opened)
    assert axes[2].lines[0].get_ydata().tolist() == [0, 0.5, 0.5]


def test_fields_are_as_wide_as_they_are_and_end_with_the_sound():
    log_mel = np.zeros((100, 80))
    spans = {"short": 0.2, "long": 5.0}
    above, below = plot_network.fields(log_mel, ["ma1"], spans, 0.5)
    short, long = (bar.get_bbox() for bar in above.patches)
    assert (short.x0, short.x1) == pytest.approx((0.4, 0.6))
    assert (long.x0, long.x1) == pytest.approx((0, 1))
    assert [text.get_text() for text in above.texts] == [
        "short: 200 ms",
        "long: 5,000 ms  (more than there is)",
    ]
    assert below.images[0].get_array().shape == (80, 100)


def test_influence_is_relative_and_its_field_is_grey():
    axes = plot_network.influence({"one": np.array([0.0, 2.0, 1.0])}, 0.02, 0.015)
    assert axes.lines[0].get_ydata().tolist() == [0, 1, 0.5]
    box = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (box.x0, box.x1) == pytest.approx((0.005, 0.025))


def test_causality_has_the_colour_of_a_fault_before_the_moment_only():
    (axes,) = plot_network.causality({"one": np.array([3.0, 0, 2, 1])}, 0.08, 0.04)
    fault, allowed = axes.patches
    assert fault.get_data().values.tolist() == [3, 0, 0, 0]
    assert allowed.get_data().values.tolist() == [0, 0, 2, 1]
    assert colors.same_color(fault.get_facecolor(), plot.VERMILION)


def test_cost_tells_enough_from_too_little():
    axes = plot_network.cost({"small": (0.1, 5_000), "large": (0.5, 9_000)}, 0.4)
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    places = [(line.get_xdata()[0], line.get_ydata()[0]) for line in dots]
    assert places == [(100, 5), (500, 9)]
    assert [line.get_color() for line in dots] == [plot.ORANGE, plot.BLUE]


def test_a_slider_turns_pages_that_are_drawn_already():
    drawn = []

    def draw(step):
        drawn.append(step)
        return plot_network.tree((1, 2), lit=step)

    box = widgets.steps(draw, 3, "layers")
    buttons, pages = box.children
    assert drawn == [0, 1, 2] and pyplot.get_fignums() == []
    assert isinstance(pages, ipywidgets.Stack) and len(pages.children) == 3
    images = [bytes(page.value) for page in pages.children]
    assert all(image.startswith(b"\x89PNG") for image in images)
    assert len(set(images)) == 3 and buttons.children[1].max == 2


def test_a_slider_takes_several_axes():
    box = widgets.steps(lambda step: plot.new_axes(2, rows=2), 1)
    assert len(box.children[1].children) == 1
