"""The lessons in a real browser: an animation is moved, a voice is recorded.

    make test-browser

JupyterLab runs on this computer, Chromium without a window, and Chromium's fake
microphone plays a sentence that the project's synthesiser has spoken. The pictures of
what was on the screen are left in build/browser.
"""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
import soundfile
import soxr

from data_prep import lesson_sounds
from zhasr import audio, pinyin, scoring

pytest.importorskip("selenium", reason="needs selenium: make test-browser")

from selenium import webdriver  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
ROOT = pathlib.Path(__file__).parents[2]
SHOTS = ROOT / "build" / "browser"
TEXT = "今天天气很好，我们去公园吧。"  # of lesson 09
RATE = 48_000  # of Chromium's fake microphone
PAUSE = 0.6  # seconds before and after the sentence, which is played again and again
LOUD = 0.1  # of full scale, in the middle of the sentence
UNDERSTOOD = 3  # characters of twelve: a program's voice is strange to it
PATIENCE = 900  # seconds that a notebook may run, on a machine that is busy
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER),
        reason="needs chromium and chromedriver: apt-get install chromium-driver",
    ),
]


# --- what runs ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A wav file of the sentence, long enough for a microphone to begin anywhere."""
    sound = lesson_sounds.say(pinyin.syllables(TEXT), voice="A08", text=TEXT)
    samples = soxr.resample(sound.samples, audio.SAMPLE_RATE, RATE)
    padded = np.pad(samples, round(PAUSE * RATE))
    path = tmp_path_factory.mktemp("voice") / "sentence.wav"
    soundfile.write(path, padded, RATE, "PCM_16")
    return path


def _free_port():
    with socket.socket() as server:
        server.bind(("localhost", 0))
        return server.getsockname()[1]


def _write_settings(folder, theme):
    themes = {"@jupyterlab/apputils-extension/themes": {"theme": THEMES[theme]}}
    for name, values in (SETTINGS | themes).items():
        path = folder / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


@pytest.fixture(scope="module", params=THEMES)
def lab(request, tmp_path_factory):
    """A JupyterLab with settings of its own and copies of the notebooks.

    What a notebook builds is kept in build/browser, for a second run.
    """
    folder = tmp_path_factory.mktemp("lab")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        shutil.copy(path, notebooks)
    SHOTS.mkdir(parents=True, exist_ok=True)
    (notebooks / "build").symlink_to(SHOTS, target_is_directory=True)
    _write_settings(folder / "settings", request.param)
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    own = {name: str(folder / name.lower()) for name in names}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(folder / "settings")}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
    port = _free_port()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [
        f"--port={port}",
        "--IdentityProvider.token=",
        "--expose-app-in-browser",
    ]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command, cwd=notebooks, env=_environment() | own, stdout=log, stderr=log
        )
    try:
        url = f"http://localhost:{port}"
        _wait_for(url, server, folder / "log")
        yield url, request.param
    finally:
        server.terminate()
        server.wait(timeout=30)


def _environment():
    """As a student has it, without pytest's own settings."""
    dropped = ("MPLBACKEND", "PYTEST_CURRENT_TEST", "TF_CPP_MIN_LOG_LEVEL")
    return {name: value for name, value in os.environ.items() if name not in dropped}


def _wait_for(url, server, log):
    for _ in range(240):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}/api/status", timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    pytest.fail(f"JupyterLab did not begin:\n{log.read_text()[-2000:]}")


@pytest.fixture
def browser(recording):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--window-size=1400,1100",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",  # "allow" is pressed
        f"--use-file-for-fake-audio-capture={recording}",
    ):
        options.add_argument(argument)
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.set_script_timeout(PATIENCE)
    yield driver
    driver.quit()


class Page:
    """A notebook in JupyterLab, in a browser."""

    def __init__(self, browser, lab, name):
        """Open it, with a kernel."""
        self.browser, (url, self.theme), self.name = browser, lab, name
        browser.get(f"{url}/lab/tree/{name}.ipynb?reset")
        self.wait(
            "return window.jupyterapp?.shell.currentWidget?.sessionContext?.session"
            "?.kernel?.status === 'idle'"
        )
        self.command("notebook:clear-all-cell-outputs")  # the stored ones

    def wait(self, script, *arguments):
        """Wait until a script returns something true, and return that."""
        return WebDriverWait(self.browser, PATIENCE, 1).until(
            lambda browser: browser.execute_script(script, *arguments)
        )

    def command(self, name):
        """Run a command of JupyterLab and wait for its end."""
        self.browser.execute_async_script(
            "const done = arguments[1];"
            "window.jupyterapp.commands.execute(arguments[0]).finally(() => done());",
            name,
        )
        self.wait(
            "return window.jupyterapp.shell.currentWidget.sessionContext.session"
            ".kernel.status === 'idle'"
        )

    def select(self, text):
        """Make the code cell that holds a text the active one."""
        found = self.browser.execute_script(
            "const notebook = window.jupyterapp.shell.currentWidget.content;"
            "const place = notebook.widgets.findIndex(cell => "
            "cell.model.type === 'code' && "
            "cell.model.sharedModel.getSource().includes(arguments[0]));"
            "notebook.activeCellIndex = place; return place;",
            text,
        )
        assert found >= 0, f"no cell with {text!r}"

    def outputs(self):
        """What the cells have printed: str; an error of a cell is one here."""
        cells = self.browser.execute_script(
            "return window.jupyterapp.shell.currentWidget.content.widgets"
            ".filter(cell => cell.model.type === 'code')"
            ".map(cell => cell.model.outputs.toJSON())"
        )
        flat = [output for cell in cells for output in cell]
        errors = [each for each in flat if each["output_type"] == "error"]
        assert not errors, errors[0]["evalue"]
        return "".join(each.get("text", "") for each in flat)

    def find(self, selector):
        """The first visible element, scrolled into the middle."""
        element = WebDriverWait(self.browser, PATIENCE, 0.5).until(
            lambda browser: next(
                (
                    each
                    for each in browser.find_elements(By.CSS_SELECTOR, selector)
                    if each.is_displayed()
                ),
                None,
            )
        )
        script = "arguments[0].scrollIntoView({block: 'center'})"
        self.browser.execute_script(script, element)
        time.sleep(0.5)  # until it has scrolled
        return element

    def shot(self, what):
        """Keep what is on the screen."""
        path = SHOTS / f"{self.name}_{what}_{self.theme}.png"
        self.browser.save_screenshot(str(path))

    def walk(self):
        """Keep the whole notebook, picture by picture."""
        figures = self.browser.find_elements(
            By.CSS_SELECTOR, ".jp-OutputArea-output img, .widget-image, audio"
        )
        for number, figure in enumerate(figures):
            if figure.is_displayed():
                script = "arguments[0].scrollIntoView({block: 'center'})"
                self.browser.execute_script(script, figure)
                time.sleep(0.3)
                self.shot(f"figure{number:02d}")


# --- the tests ------------------------------------------------------------------------


def test_the_animation_of_lesson_04_moves(browser, lab):
    page = Page(browser, lab, "04_when")
    page.command("notebook:run-all-cells")
    page.outputs()

    def picture():
        shown = page.find("img.widget-image, .widget-image img")
        return shown.get_attribute("src")

    first = picture()
    page.shot("first")
    page.find(".noUi-handle").send_keys(Keys.ARROW_RIGHT)
    time.sleep(1)
    second = picture()
    assert second != first
    page.find(".jupyter-widgets.widget-play button, .widget-play button").click()
    time.sleep(4)
    assert picture() not in (first, second)
    page.shot("moved")


def test_lesson_09_writes_down_what_the_microphone_hears(browser, lab):
    page = Page(browser, lab, "09_your_voice")
    page.select("samples_or(recorder")
    page.command("notebook:run-all-above")
    button = page.find(".zhasr-record")
    page.shot("before")
    button.click()
    seconds = soundfile.info(_sentence(browser)).duration
    time.sleep(seconds / 2)
    page.shot("recording")
    level = browser.find_element(By.CSS_SELECTOR, ".zhasr-microphone meter")
    assert float(level.get_property("value")) > LOUD
    time.sleep(seconds / 2)
    clock = browser.find_element(By.CSS_SELECTOR, ".zhasr-microphone span")
    assert float(clock.text.split()[0]) > 0.8 * seconds
    button.click()
    WebDriverWait(browser, 30).until(lambda _: clock.text.endswith("recorded"))
    page.shot("recorded")
    page.select("samples_or(recorder")
    page.command("notebook:run-all-below")
    printed = page.outputs()
    assert "your recording" in printed, re.findall("because: .*", printed)
    (heard,) = re.findall(r"^heard  (.*)$", printed, re.MULTILINE)
    page.walk()
    print("spoken", TEXT, "heard", heard)
    pairs = scoring.align(pinyin.normalise(TEXT), pinyin.normalise(heard))
    assert sum(first == second for first, second in pairs) >= UNDERSTOOD


def _sentence(browser):
    """The file that the fake microphone plays."""
    arguments = browser.execute_cdp_cmd("Browser.getBrowserCommandLine", {})
    (flag,) = [each for each in arguments["arguments"] if "fake-audio-capture" in each]
    return flag.partition("=")[2]
