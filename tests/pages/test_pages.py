"""The report and the explorer, driven in a real browser."""

import base64
import itertools
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import saddlehop as sh
from saddlehop.pages import figures as page_figures
from saddlehop.pages.report import report_html
from saddlehop.plot.assignment import assignment
from saddlehop.plot.curves import clock_end, sample

READY = "document.querySelector('#staircase .js-plotly-plot')?.data?.length == 2"
FLOW_OF = "document.querySelector('#{} .js-plotly-plot').data.at(-1)"


@pytest.fixture(scope="module")
def setting():
    problem = sh.make_orthogonal(30, "uniform", rng=0)
    init = sh.Initialization.draw(problem, 8, rng=0)
    return sh.solve_jumps(problem, init), sh.simulate_flow(
        problem, init, init_scale=1e-6, rtol=1e-4
    )


class TestFigures:
    def test_the_staircase_has_the_jumps_and_the_flow(self, setting):
        jumps, flow = setting
        curve = sample(flow, clock_end(jumps))
        limit, drawn = page_figures.staircase(jumps, [("flow", curve)])["data"]
        assert limit["x"][1:-1] == jumps.times.tolist()
        assert limit["y"][:-1] == jumps.losses.tolist()
        assert limit["line"]["shape"] == "hv"
        assert drawn["y"] == curve.losses.tolist()

    def test_the_staircase_begins_where_something_happens(self):
        # one jump at clock 8: a plateau would be most of the picture
        problem = sh.Problem([0.125])
        jumps = sh.solve_jumps(problem, sh.Initialization([1.0], [[1.0]]))
        assert jumps.times == pytest.approx([8.0])
        begin = page_figures.first_event(jumps)
        assert 7 < begin < 7.5
        figure = page_figures.staircase(jumps, (), begin)
        assert figure["layout"]["xaxis"]["range"] == [begin, pytest.approx(8 * 1.08)]

    def test_the_fan_has_every_neuron_once(self, setting):
        jumps, _ = setting
        drawn = []
        for trace in page_figures.fan(jumps)["data"]:
            lines = np.array(trace["y"], dtype=float).reshape(-1, jumps.n_jumps + 3)
            drawn += lines[:, :-2].tolist()
        assert sorted(drawn) == sorted(jumps.exponents.T.tolist())

    def test_the_assignment_map_has_each_sample_at_its_jump(self, setting):
        jumps, _ = setting
        (heat,) = page_figures.assignment_map(jumps)["data"]
        cells = np.array(heat["z"], dtype=float)
        for jump, fitted in enumerate(jumps.samples):
            columns = np.flatnonzero((cells == jump).any(axis=0))
            assert sorted(np.array(heat["customdata"])[columns]) == fitted.tolist()


class TestReport:
    @pytest.fixture(scope="class")
    @staticmethod
    def report(tmp_path_factory):
        out = tmp_path_factory.mktemp("report") / "a report.html"
        command = [sys.executable, "-m", "saddlehop", "report", "digits", "--width", "12"]
        options = ["--init-scale", "1e-3,1e-100", "-o", str(out)]
        done = subprocess.run([*command, *options], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        return out

    @pytest.fixture(scope="class")
    @staticmethod
    def jumps():
        problem = sh.Problem.from_data(*sh.load_digits())
        return sh.solve_jumps(problem, sh.Initialization.draw(problem, 12, rng=0))

    def test_it_opens_offline_and_draws(self, page, report, jumps):
        page.context.set_offline(True)
        page.goto(report.as_uri())
        for name in ("staircase", "fan", "assignment"):
            assert page.evaluate(f"document.getElementById('{name}').data.length") > 0
        assert page.evaluate("document.getElementById('staircase').data.length") == 3
        assert page.locator("#jumps tbody tr").count() == jumps.n_jumps
        assert "saddlehop report digits --width 12" in page.inner_text("pre")
        assert f"{jumps.sq_norms[-1]:.6g}" in page.inner_text("dl")
        page.context.set_offline(False)

    def test_each_jump_shows_the_images_it_fits(self, page, report, jumps):
        page.goto(report.as_uri())
        for row, fitted in zip(page.locator("#jumps tbody tr").all(), jumps.samples, strict=True):
            names = [image.get_attribute("title") for image in row.locator("img").all()]
            assert names == [f"sample {k}" for k in fitted]

    def test_the_table_sorts(self, page, report, jumps):
        page.goto(report.as_uri())
        page.get_by_role("button", name="samples").click()
        column = [
            int(text) for text in page.locator("#jumps tbody td:nth-child(5)").all_inner_texts()
        ]
        assert column == sorted(fitted.size for fitted in jumps.samples)
        page.get_by_role("button", name="samples").press("Enter")
        again = [
            int(text) for text in page.locator("#jumps tbody td:nth-child(5)").all_inner_texts()
        ]
        assert again == column[::-1]

    @pytest.mark.parametrize("width", [20, 40, 60])
    def test_labels_of_neurons_are_theirs_and_do_not_overlap(self, page, tmp_path, width):
        problem = sh.make_orthogonal(80, rng=0)
        jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, width, rng=0))
        (tmp_path / "a.html").write_text(report_html(jumps), encoding="utf-8")
        page.goto((tmp_path / "a.html").as_uri())
        labels = page.locator("#assignment .ytick text").all()
        boxes = [label.bounding_box() for label in labels]
        assert len(boxes) == 20
        for above, below in itertools.pairwise(boxes):
            assert above["y"] + above["height"] <= below["y"] + 1
        shown = [int(label.text_content()) for label in labels]
        assert shown == assignment(jumps).neurons[:: width // 20].tolist()

    def test_it_fits_a_phone(self, page, report):
        page.set_viewport_size({"width": 390, "height": 800})
        page.goto(report.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

    @pytest.mark.parametrize("n_jumps", [0, 3])
    def test_data_as_they_are(self, page, tmp_path, n_jumps):
        problem = sh.load_setting("five-slide").problem
        init = sh.Initialization.draw(problem, 10, rng=0)
        if n_jumps == 0:  # only neurons that die
            init = sh.Initialization([-1.0, -1.0], [[0.1, -1.0], [0.2, -0.9]])
        jumps = sh.solve_jumps(problem, init)
        flow = sh.simulate_flow(problem, init, init_scale=1e-4, rtol=1e-4)
        assert jumps.n_jumps == n_jumps
        (tmp_path / "a.html").write_text(report_html(jumps, [flow]), encoding="utf-8")
        page.goto((tmp_path / "a.html").as_uri())
        for name in ("staircase", "fan", "sides"):
            assert page.evaluate(f"document.getElementById('{name}').data.length") > 0
        assert page.locator("#jumps tbody tr").count() == n_jumps
        shown = page.inner_text("dl")
        for words in (jumps.message, f"{jumps.losses[-1]:.6g}", f"{jumps.sq_norms[-1]:.6g}"):
            assert words in shown
        active = page.evaluate("document.getElementById('sides').data[0].z")
        neurons = page.evaluate("document.getElementById('sides').layout.yaxis.ticktext")
        assert {int(j) for j in neurons} == set(np.flatnonzero(jumps.states[-1] == "active"))
        for neuron, row in zip(neurons, active, strict=True):
            assert row == jumps.active[-1, int(neuron)].tolist()
        least = float(jumps.exponents.min())
        assert page.evaluate("document.getElementById('fan').layout.yaxis.range[0]") < least

    def test_bad_input(self, tmp_path):
        for options, words in (
            (["digits", "-o", "x.pdf"], "ends in .html"),
            (["digits", "--init-scale", "2"], "below 1"),
            (["none.csv"], "no file"),
        ):
            command = [sys.executable, "-m", "saddlehop", "report", *options]
            done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
            assert done.returncode == 2
            assert words in done.stderr
            assert not list(tmp_path.iterdir())


class TestExplorer:
    @pytest.fixture(scope="class")
    @staticmethod
    def address():
        pytest.importorskip("dash", reason="dash is not installed")
        command = [sys.executable, "-m", "saddlehop", "explore", "--no-browser"]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # even if ours is off
        ) as server:
            found = re.search(r"http://127\.0\.0\.1:\d+/", server.stdout.readline())
            drain = threading.Thread(target=server.stdout.read, daemon=True)
            drain.start()
            yield found[0]
            server.send_signal(signal.SIGINT)  # Ctrl-C
            try:
                server.wait(timeout=20)
            finally:
                server.kill()
            drain.join()

    @pytest.fixture
    def opened(self, page, address):
        for _ in range(50):
            try:
                page.goto(address)
                break
            except Exception:
                time.sleep(0.2)
        page.wait_for_function(READY, timeout=120_000)
        return page

    def jumps(self, n=50, m=16, labels="uniform"):
        problem = sh.make_orthogonal(n, labels, rng=0)
        return sh.solve_jumps(problem, sh.Initialization.draw(problem, m, rng=0))

    def test_it_shows_the_limit(self, opened):
        jumps = self.jumps()
        limit = opened.evaluate("document.querySelector('#staircase .js-plotly-plot').data[0].x")
        assert limit[1:-1] == pytest.approx(jumps.times.tolist())

    def test_moving_the_scale_moves_the_flow_and_not_the_limit(self, opened):
        graph = "document.querySelector('#staircase .js-plotly-plot').data"
        limit, flow = opened.evaluate(f"{graph}[0].y"), opened.evaluate(f"{graph}[1].x")
        fan = opened.evaluate(FLOW_OF.format("fan") + ".x")
        slider = opened.get_by_role("slider")
        slider.focus()
        for _ in range(3):
            slider.press("PageUp")
        opened.wait_for_function(
            "!document.querySelector('#scale-name').innerText.endsWith('1e-10')"
        )
        opened.wait_for_function(
            f"{graph}[1].name == document.querySelector('#scale-name').innerText"
        )
        assert opened.evaluate(f"{graph}[0].y") == limit
        assert opened.evaluate(f"{graph}[1].x") != flow
        assert opened.evaluate(FLOW_OF.format("fan") + ".x") != fan

    def test_the_staircase_begins_before_the_first_jump_or_at_zero(self, opened):
        jumps = self.jumps()
        begin = "document.querySelector('#staircase .js-plotly-plot').layout.xaxis.range[0]"
        assert 0.5 * jumps.times[0] < opened.evaluate(begin) < jumps.times[0]
        opened.locator("#whole input").check()
        opened.wait_for_function(f"{begin} === 0")
        opened.locator("#whole input").uncheck()
        opened.wait_for_function(f"{begin} > 0")

    def test_clicking_a_jump_shows_its_samples(self, opened):
        jumps = self.jumps()
        box = opened.locator("#assignment .nsewdrag").bounding_box()
        place = sum(part.size for part in jumps.samples[:1]) + jumps.samples[1].size / 2
        opened.mouse.click(
            box["x"] + box["width"] * place / 50, box["y"] + box["height"] * 1.5 / jumps.width
        )
        opened.wait_for_function(
            "document.querySelector('#saddle').innerText.includes('after jump 2')"
        )
        text = opened.inner_text("#saddle")
        assert f"fitted samples {', '.join(map(str, jumps.samples[1]))}." in text
        assert f"Neuron {jumps.neurons[1][0]} " in text
        rate = jumps.saddle_facts(2).rates.max()
        assert f"at rate {rate:.4g}" in text

    def test_settings_change_the_limit(self, opened):
        box = opened.locator("#n")
        box.fill("20")
        box.press("Enter")
        jumps = self.jumps(20)
        opened.wait_for_function(
            "document.querySelector('#staircase .js-plotly-plot').data[0].x.length"
            f" == {jumps.n_jumps + 2}"
        )
        limit = opened.evaluate("document.querySelector('#staircase .js-plotly-plot').data[0].x")
        assert limit[1:-1] == pytest.approx(jumps.times.tolist())

    def test_bad_input_shows_its_sentence(self, opened, tmp_path):
        file = tmp_path / "bad.csv"
        file.write_text("y,x\n1,a\n2,b\n")
        opened.locator("#upload input[type=file]").set_input_files(file)
        opened.wait_for_function("document.querySelector('#message').innerText.length > 0")
        assert "is not a finite number" in opened.inner_text("#message")

    def test_an_upload_is_shown(self, opened, tmp_path):
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((6, 9)), rng.standard_normal(6)
        file = tmp_path / "good.csv"
        header = ",".join([*(f"x{i}" for i in range(9)), "y"])
        np.savetxt(file, np.column_stack([X, y]), delimiter=",", header=header, comments="")
        opened.locator("#upload input[type=file]").set_input_files(file)
        problem = sh.Problem.from_data(sh.orthogonalize(X), y)
        jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 16, rng=0))
        opened.wait_for_function(
            "document.querySelector('#staircase .js-plotly-plot').data[0].x.length"
            f" == {jumps.n_jumps + 2}"
        )
        limit = opened.evaluate("document.querySelector('#staircase .js-plotly-plot').data[0].x")
        assert limit[1:-1] == pytest.approx(jumps.times.tolist(), rel=1e-6)

    def test_downloads_open(self, opened, tmp_path):
        import pandas as pd

        saved = {}
        for name in ("PNG", "CSV", "Python"):
            with opened.expect_download() as download:
                opened.get_by_role("button", name=name, exact=True).click()
            saved[name] = tmp_path / download.value.suggested_filename
            download.value.save_as(saved[name])
        assert saved["PNG"].read_bytes().startswith(b"\x89PNG")
        table = pd.read_csv(saved["CSV"])
        assert table["clock"].tolist() == pytest.approx(self.jumps().times.tolist())
        lines = saved["Python"].read_text()
        names = {}
        exec(lines.partition("flow =")[0], names)
        np.testing.assert_array_equal(names["jumps"].times, self.jumps().times)

    def test_a_port_that_is_taken(self, address):
        port = address.rpartition(":")[2].strip("/")
        command = [sys.executable, "-m", "saddlehop", "explore", "--no-browser", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 2
        assert f"Port {port} is taken" in done.stderr


def test_broken_uploads_are_refused():
    from saddlehop.pages.explore.orthogonal.state import Choice, limit

    for content, words in (
        ("data:text/csv;base64,###", "not a file"),
        ("data:text/csv;base64," + base64.b64encode(b"\x00\xff").decode(), "not a readable CSV"),
    ):
        with pytest.raises(sh.SaddlehopError, match=words):
            limit(Choice(5, 3, "sign", "unit", "balanced", 0, content))
    with pytest.raises(sh.SaddlehopError, match="n is None"):
        limit(Choice(None, 3, "sign", "unit", "balanced", 0))
