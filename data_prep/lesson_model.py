"""A model for the lessons: the one that ships, one that is there, or a small new one.

A model that learned from people is needed to understand people: the one that ships,
`zhasr/pretrained/mandarin`. Where it is missing, a lesson takes what the notebook of
the whole path or `make demo` has left, and else trains for one or two minutes. These
models learned from synthetic speech alone.
"""

import dataclasses
import pathlib
import time

from data_prep import prepare, synthesize
from zhasr import features, model_folder, recognizer, training, training_run

SHIPPED = model_folder.SHIPPED
DEMO = pathlib.Path(__file__).parents[1] / "demo" / "model"
HOURS = {"train": 0.5, "dev": 0.04, "test": 0}
# By epochs and not by the clock, so that a slow machine is late and not deaf
OPTIONS = training.Options(preset="small", epochs=7, buckets=2, augmentation="none")
REAL = (
    "the model that ships with zhasr; it learned from recordings of people, see "
    "zhasr/pretrained/mandarin/card.md"
)
SYNTHETIC = (
    "it learned from synthetic voices alone: expect it to understand those, and "
    "little of what people say"
)


@dataclasses.dataclass(frozen=True)
class Model:
    """A model and what can be said of it.

    Args:
        recognizer: recognizer.Recognizer.
        folder: pathlib.Path, where it is; with its weights of decoding, if it has any.
        about: str, where it comes from and what it learned from.
        synthetic: bool, whether it knows synthetic voices only.
    """

    recognizer: recognizer.Recognizer
    folder: pathlib.Path
    about: str
    synthetic: bool


def load(folder="build", say=print):
    """Load the best model that there is, or train one.

    Args:
        folder: path, where notebooks keep what they build.
        say: function of str that shows progress of training.

    Returns:
        Model.
    """
    if model_folder.exists(SHIPPED):
        return Model(recognizer.load(SHIPPED), SHIPPED, REAL, False)
    folder = pathlib.Path(folder)
    for path, name in _found(folder):
        about = f"the model of {name}; {SYNTHETIC}"
        return Model(recognizer.load(path), path, about, True)
    path = train(folder / "voice", say)
    about = f"a small model, trained just now; {SYNTHETIC}"
    return Model(recognizer.load(path), path, about, True)


def _found(folder):
    """Trained models and their names, the best first."""
    paths = [(DEMO, "`make demo`")]
    for pattern, name in (
        ("whole_path/model_*", "lesson 00"),
        ("voice/model_*", "this lesson, trained before"),
    ):
        paths += [(path, name) for path in sorted(folder.glob(pattern), reverse=True)]
    return [pair for pair in paths if model_folder.exists(pair[0])]


def train(folder, say=print, hours=None, options=OPTIONS):
    """Make synthetic speech and train a small model on it.

    Args:
        folder: pathlib.Path; corpus and data in it are made once.
        say: function of str.
        hours: dict from split to hours. Default: HOURS.
        options: training.Options.

    Returns:
        pathlib.Path of the model folder.
    """
    corpus = synthesize.synthesize(folder / "corpus", hours or HOURS)
    config = features.FeatureConfig(kind="mfcc", pitch=True)
    prepare.prepare("synthetic", corpus, folder / "data", config)
    out = folder / time.strftime("model_%H%M%S")  # a run that was stopped stays aside
    training_run.train([folder / "data"], out, options, say=say)
    return out
