"""The variants of the recipe: benchmarks/what_helps.py."""

import argparse
import pathlib
import sys

from test_training import options, tiny_preset  # noqa: F401

from zhasr import dataset, wavenet

sys.path.append(str(pathlib.Path(__file__).parents[1] / "benchmarks"))

import what_helps  # noqa: E402


def test_every_variant_is_a_plan_that_leaves_the_voice_out(monkeypatch):
    for name, network in what_helps.NETWORKS.items():
        monkeypatch.setitem(wavenet.PRESETS, name, network)
    wishes = argparse.Namespace(
        corpora="a",
        work=pathlib.Path("b"),
        text=[],
        exclude=[],
        assembled_minutes="200",
    )
    plans = {name: what_helps.make_plan(wishes, name) for name in what_helps.VARIANTS}
    assert len({str(plan.model) for plan in plans.values()}) == len(plans)
    for plan in plans.values():
        assert what_helps.LEFT_OUT not in {part.name for part in plan.parts}
    assert plans["plain"].options.optimizer == "adamw"
    assert plans["recipe"].options.optimizer == "muon"
    assert plans["recipe, no Δ, AdamW"].options.optimizer == "adamw"
    on = plans["recipe, 1 epoch more"].options
    assert (on.start, on.epochs) == (str(plans["recipe"].model), 1)
    hears = {name: plan.config.deltas for name, plan in plans.items()}
    assert hears == {name: "no Δ" not in name for name in plans}


def test_every_variant_differs_and_those_it_is_made_of_come_first():
    known = []
    for name, wanted in what_helps.VARIANTS.items():
        assert wanted not in (what_helps.VARIANTS[other] for other in known)
        assert {*wanted.mean_of, wanted.start or "plain"} <= {"plain", *known}
        known.append(name)


def test_fewer_recordings_are_a_part_of_more_in_every_version():
    names = [f"utterance {number}" for number in range(4000)]
    halves, quarters = (
        {name for name in names if what_helps.one_of(share)("words", name)}
        for share in (2, 4)
    )
    assert quarters < halves and 0.22 < len(quarters) / 4000 < 0.28
    for id in ("words/a/b", "words@1/a/b"):
        assert what_helps.whose(argparse.Namespace(id=id)) == ("words", "a/b")


def test_a_run_hears_what_was_chosen(prepared, tmp_path):
    data = dataset.load([prepared], "initial-final")
    wanted = {example.id for example in data.train[::3]}

    def chosen(part, name):
        return f"{part}/{name}" in wanted

    run = what_helps.hearing(chosen)(data, tmp_path / "model", options(), str)
    assert {example.id for each in run.train for example in each.examples} == wanted
    assert {example.id for each in run.dev for example in each.examples} == {
        example.id for example in data.dev
    }
    assert not any(map(what_helps.but(prepared.name), [prepared.name], ["any"]))
    assert what_helps.but("other")(prepared.name, "any")
