"""The page on data as they are, driven in a real browser, and what it draws."""

import json
import logging
import threading

import numpy as np
import pytest

import saddlehop as sh
from saddlehop.pages.explore.general import callbacks, figures, moment, state, view
from saddlehop.pages.explore.orthogonal import callbacks as orthogonal

pytest.importorskip("dash", reason="dash is not installed")
DRAWN = "document.querySelector('#function .js-plotly-plot')?.data?.some(t => t.name === 'flow')"
TRACES = "document.querySelector('#{} .js-plotly-plot').data"


def drawn_data(seed, n=6):
    rng = np.random.default_rng(seed)
    return state.new_data(
        rng.uniform(-1, 1, (n, 1)).tolist(), rng.standard_normal(n).tolist(), True
    )


def choice(data, width=12):
    return state.choice_of(data, width, "balanced", 0)


def shown_at(data, place, log10=-6.0):
    one = choice(data)
    jumps, shown = state.limit(one), state.flow(one, log10)
    return moment.moment_at(jumps, shown, state.clock_at(jumps, shown, place))


def trace(figure, name):
    (found,) = [one for one in figure["data"] if one["name"] == name]
    return found


class TestFigures:
    @pytest.mark.parametrize("place", [0, 40, 100])
    def test_the_function_is_straight_between_the_corners_drawn(self, place):
        now = shown_at(drawn_data(0), place)
        x = np.linspace(-2, 2, 3001)
        for network, name in ((now.limit, "limit λ → 0"), (now.flow, "flow")):
            line = trace(figures.function_figure(now, [-2, 2, -3, 3]), name)
            between = np.interp(x, line["x"], line["y"])
            want = network.predict(x[:, None], now.problem)
            assert np.abs(between - want).max() <= 2e-3 * max(np.abs(want).max(), 1e-9)

    def test_kinks_are_where_the_function_bends(self):
        now = shown_at(drawn_data(0), 100)
        figure = figures.function_figure(now, [-2, 2, -3, 3])
        for sign, name in ((1, "kink, a > 0"), (-1, "kink, a < 0")):
            places = np.array(trace(figure, name)["x"])
            h = [now.limit.predict((places + d)[:, None], now.problem) for d in (-1e-4, 0, 1e-4)]
            assert (sign * (h[0] - 2 * h[1] + h[2]) > 0).all()
        assert sum(len(trace(figure, f"kink, a {way} 0")["x"]) for way in "<>") >= 2

    def test_neurons_stand_at_their_directions_and_sizes(self):
        data = drawn_data(0)
        start = shown_at(data, 0)
        figure = figures.circle_figure(start)
        for sign, name in ((1, "neurons, a > 0"), (-1, "neurons, a < 0")):
            one = trace(figure, name)
            chosen = np.sign(start.flow.output) == sign
            angles = np.arctan2(*start.flow.hidden[chosen].T[::-1])
            np.testing.assert_allclose(np.arctan2(one["y"], one["x"]), angles)
            log_size = np.log(np.abs(start.flow.output[chosen])) / (6 * np.log(10))
            want = np.maximum(0.3 + 0.7 * (1 + log_size), 0.1)
            np.testing.assert_allclose(np.hypot(one["x"], one["y"]), want, atol=1e-9)

    def test_stars_are_the_extremal_vectors_and_rings_the_active_neurons(self):
        now = shown_at(drawn_data(0), 0)
        figure = figures.circle_figure(now)
        found = sh.extremal_vectors(now.problem, now.residuals)
        for sign, way in ((1, ">"), (-1, "<")):
            stars = trace(figure, f"draws neurons, a {way} 0")
            want = found.directions[(found.rates > 0) & (found.signs == sign)]
            assert sorted(stars["x"]) == pytest.approx(sorted(want[:, 0]))
            assert trace(figure, f"active, a {way} 0")["x"] == []
        end = shown_at(drawn_data(0), 100)
        rings = [trace(figures.circle_figure(end), f"active, a {way} 0") for way in "<>"]
        active = end.jumps.states[-1] == "active"
        assert sum(len(ring["x"]) for ring in rings) == active.sum() > 0

    def test_extremal_vectors_are_where_the_pull_peaks(self):
        now = shown_at(drawn_data(1), 0)
        turn = np.linspace(0, 2 * np.pi, 40001)
        pull = moment.utility(now, np.column_stack([np.cos(turn), np.sin(turn)]))
        stars = trace(figures.circle_figure(now), "draws neurons, a > 0")
        peak = turn[np.argmax(pull)]
        gap = np.hypot(np.array(stars["x"]) - np.cos(peak), np.array(stars["y"]) - np.sin(peak))
        assert gap.min() < 1e-3

    @pytest.mark.parametrize("name", ["xor", "slow-plateau"])
    def test_data_off_a_line_show_their_outputs(self, name):
        now = shown_at(state.published(name)[0], 100)
        figure = figures.function_figure(now, None)
        assert trace(figure, "labels")["y"] == now.problem.y.tolist()
        assert trace(figure, "limit λ → 0")["y"] == now.limit.outputs(now.problem).tolist()
        assert json.dumps(figures.circle_figure(now), allow_nan=False)

    @pytest.mark.parametrize(
        ("rows", "y", "bias"),
        [
            ([[0.5]], [1.0], True),
            ([[0.5], [0.5]], [1.0, -1.0], True),
            ([[1.0], [2.0]], [0.0, 0.0], True),
            ([[1.0], [-2.0]], [1.0, 2.0], False),
            ([[1.0, 2.0, 3.0]], [1.0], False),
            ([[1.0, 2.0, 3.0]], [0.0], True),
        ],
    )
    def test_few_points_can_be_drawn(self, rows, y, bias):
        data = state.new_data(rows, y, bias)
        for place in (0, 50, 100):
            now = shown_at(data, place)
            shown = view.view_of(data, now.jumps)
            for figure in (figures.function_figure(now, shown), figures.circle_figure(now)):
                assert json.dumps(figure, allow_nan=False)


class TestState:
    def test_the_clock_takes_its_time_in_jumps(self):
        one = choice(drawn_data(0))
        jumps, shown = state.limit(one), state.flow(one, -100.0)
        clocks = np.array([state.clock_at(jumps, shown, place) for place in range(101)])
        assert (np.diff(clocks) >= 0).all()
        assert np.sum(np.abs(clocks - jumps.times[0]) < 0.02 * jumps.times[0]) > 5

    def test_the_view_stays_while_points_move(self):
        def view_of(y, x=1.0, **changes):
            data = state.new_data([[0.0], [x]], [0.0, y], True) | changes
            return view.view_of(data, state.limit(choice(data)))

        given = view_of(1.0)
        assert given[0] < 0 < 1 < given[1]
        assert given[2] < 0 < 1 < given[3]
        assert view_of(9.0, view=given, moving=True) == given
        assert view_of(9.0, view=given)[3] > 9
        assert view_of(1.01, 0.95, view=given) == given
        assert view_of(0.01, view=given)[3] < 0.5

    def test_the_view_holds_the_function_between_points(self):
        setting = state.published("five-slide")[0]
        jumps = state.limit(choice(setting))
        x = np.linspace(-1.5, 2, 200)
        h = jumps.final.predict(x[:, None], jumps.problem)
        assert h.min() < setting["y"][1] - 0.2  # it dips below all labels
        assert view.view_of(setting, jumps)[2] < h.min()

    def test_typed_lines(self):
        data = state.typed("0, 1\n\n.5 -2", True)
        assert (data["rows"], data["y"]) == ([[0.0], [0.5]], [1.0, -2.0])
        for text, words in (
            ("0, 1\n1, 2, 3", "equally many numbers"),
            ("", "equally many numbers"),
            ("0, a", "'0, a' is not x and y"),
            ("3", "'3' is not x and y"),
            ("0, inf", "is not x and y"),
            ("0, 1\n" * 201, "These are 201 points"),
        ):
            with pytest.raises(sh.SaddlehopError, match=words):
                state.typed(text, True)

    def test_python_lines_give_what_is_shown(self):
        one = choice(drawn_data(0))
        names = {}
        exec(state.python_lines(one, -6.0).partition("print(")[0], names)
        np.testing.assert_array_equal(names["jumps"].times, state.limit(one).times)
        assert names["flow"].log_init_scale == state.flow(one, -6.0).path.log_init_scale

    def test_a_flow_that_does_not_end_says_so_and_is_drawn(self, monkeypatch):
        monkeypatch.setattr(state, "FLOW_STEPS", 20)
        data = drawn_data(2)
        landed = callbacks._draw({"moving": False}, None, 1, 100, [], data, 12, "balanced", 1)
        assert "The flow is shown up to clock" in landed[3]
        assert trace(landed[0], "flow")
        state.flow.cache_clear()

    def test_a_limit_not_at_rest_says_so_and_is_drawn(self, monkeypatch):
        monkeypatch.setattr(state, "SKETCH_STEPS", 5)
        monkeypatch.setattr(state, "LIMIT_STEPS", 5)
        data = drawn_data(3)
        landed = callbacks._draw({"moving": False}, None, 1, 100, [], data, 12, "balanced", 2)
        assert "is not at rest" in landed[3]
        sketched = callbacks._sketch(data | {"moving": True}, 12, "balanced", 2, 100, [])
        assert "is not at rest" in sketched[3]
        for cached in (state.sketch, state.limit, state.flow):
            cached.cache_clear()

    def test_what_cannot_be_used_says_so(self):
        data = drawn_data(0)
        for width, seed, words in ((0, 0, "m is 0"), (None, 0, "m is None"), (5, -1, "seed is -1")):
            sketched = callbacks._sketch(data, width, "balanced", seed, 100, [])
            assert words in sketched[3]
            assert sketched[4]["moving"]
        flat = callbacks._sketch(state.new_data([[0.0]], [1.0], False), 5, "balanced", 0, 100, [])
        assert "All rows of `X` are 0" in flat[3]

    def test_the_saddle_is_described(self):
        one = choice(state.published("xor")[0], 20)
        jumps = state.limit(one)
        text = callbacks.describe(jumps, 2.0)
        assert "after jump 0 of 1: loss 0.5, ‖θ‖² 0" in text
        assert "Neurons: 20 growing." in text
        assert "Fastest way out at rate 0.3536" in text
        text = callbacks.describe(jumps, 3.0)
        assert "‖θ‖² 5.65685" in text
        assert "Jump 1, at clock 2.82843: neurons 0, 1, 2" in text
        assert f"Every label is fitted. {jumps.message}" in text

    def test_downloads_of_what_cannot_be_used_say_so(self):
        for made in (
            callbacks._get_csv(1, drawn_data(0), None, "balanced", 0),
            callbacks._get_python(1, 1.0, drawn_data(0), None, "balanced", 0),
            orthogonal._get_csv(1, None, 3, "sign", "unit", "balanced", 0, ""),
            orthogonal._get_python(1, 1.0, None, 3, "sign", "unit", "balanced", 0, ""),
        ):
            assert "is None; pass a whole number" in made[1]

    def test_a_defect_shows_a_sentence_and_goes_to_the_log(self, monkeypatch, caplog):
        def broken(_):
            raise RuntimeError("wrong")

        monkeypatch.setattr(state, "sketch", broken)
        sketched = callbacks._sketch(drawn_data(0), 12, "balanced", 0, 100, [])
        assert "could not be computed (RuntimeError: wrong)" in sketched[3]
        assert "A page could not be drawn" in caplog.text


def handle_places(page):
    """Where the handles are a second later."""
    page.wait_for_timeout(1000)
    return [handle.bounding_box() for handle in page.locator(".handle").all()]


class TestPage:
    @pytest.fixture(scope="class")
    @staticmethod
    def address():
        from werkzeug.serving import make_server

        from saddlehop.pages.explore.server import HOST, make_app

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server(HOST, 0, make_app().server, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{HOST}:{server.port}/points/"
        server.shutdown()
        thread.join()

    @pytest.fixture
    def opened(self, page, address):
        page.goto(address)
        page.wait_for_function(DRAWN, timeout=60_000)
        return page

    def points(self, page):
        page.wait_for_function("document.querySelector('#typed').value.length > 0")
        lines = page.input_value("#typed").splitlines()
        return np.array([[float(cell) for cell in line.split(",")] for line in lines])

    def drag(self, page, index, by, release=True):
        box = page.locator(".handle").nth(index).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + by[0] / 2, y + by[1] / 2)
        page.mouse.move(x + by[0], y + by[1])
        if release:
            page.mouse.up()

    def corners(self, page):
        return page.evaluate(TRACES.format("function") + "[0].y")

    def settled(self, page):
        """Wait until limit and flow of the points as they are now are drawn."""
        want = self.points(page)[:, -1].tolist()
        page.wait_for_function(
            "want => { const t = " + TRACES.format("function") + "; return " + DRAWN + " && "
            "JSON.stringify(t.find(o => o.name === 'points').y) === JSON.stringify(want); }",
            arg=want,
            timeout=30_000,
        )

    def test_it_shows_the_limit_and_both_pages_lead_to_each_other(self, opened):
        jumps = sh.solve_jumps(
            problem := sh.load_setting("five-points").problem,
            sh.Initialization.draw(problem, 20, rng=0),
        )
        limit = opened.evaluate(TRACES.format("staircase") + "[0].x")
        assert limit[1:-1] == pytest.approx(jumps.times.tolist())
        x = opened.evaluate(TRACES.format("function") + "[0].x")
        want = jumps.final.predict(np.array(x)[:, None], problem)
        assert self.corners(opened) == pytest.approx(want.tolist())
        opened.get_by_role("link", name="orthogonal").click()
        opened.wait_for_function("document.querySelector('#assignment .js-plotly-plot')?.data")
        opened.get_by_role("link", name="data as they are").click()
        opened.wait_for_function(DRAWN)

    @pytest.mark.parametrize("width", [390, 1100])
    def test_handles_lie_on_the_points_drawn(self, opened, width):
        opened.set_viewport_size({"width": width, "height": 800})
        opened.wait_for_timeout(500)
        crosses = (
            opened.locator("#function .scatterlayer .trace").nth(3).locator("path.point").all()
        )
        assert len(crosses) == 5
        for handle, cross in zip(opened.locator(".handle").all(), crosses, strict=True):
            boxes = [one.bounding_box() for one in (handle, cross)]
            middles = [(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2) for b in boxes]
            assert np.abs(np.subtract(*middles)).max() < 1.5

    def test_dragging_a_point_changes_function_circle_and_staircase(self, opened):
        before = [
            opened.evaluate(TRACES.format(name)) for name in ("function", "circle", "staircase")
        ]
        given = self.points(opened)
        height = opened.locator("#handles").bounding_box()["height"]
        low, high = opened.evaluate(
            "document.querySelector('#function .js-plotly-plot').layout.yaxis.range"
        )
        self.drag(opened, 1, (0, -60))
        opened.wait_for_function(
            "old => document.querySelector('#typed').value.split('\\n')[1] !== old",
            arg="-0.6, -0.1",
        )
        self.settled(opened)
        after = [
            opened.evaluate(TRACES.format(name)) for name in ("function", "circle", "staircase")
        ]
        assert all(one != other for one, other in zip(before, after, strict=True))
        moved = self.points(opened)
        assert moved[1, 1] - given[1, 1] == pytest.approx(60 / height * (high - low), abs=2e-3)
        np.testing.assert_array_equal(np.delete(moved, 1, 0), np.delete(given, 1, 0))
        problem = sh.GeneralProblem(moved[:, :1], moved[:, 1], bias=True)
        jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 20, rng=0))
        limit = opened.evaluate(TRACES.format("staircase") + "[0].y")
        assert limit[:-1] == pytest.approx(jumps.losses.tolist(), rel=1e-6)

    def test_the_function_follows_a_point_that_is_still_held(self, opened):
        before = self.corners(opened)
        self.drag(opened, 2, (0, -80), release=False)
        opened.wait_for_function(
            "old => JSON.stringify(" + TRACES.format("function") + "[0].y) !== old",
            arg=json.dumps(before, separators=(",", ":")),
        )
        assert not opened.evaluate(DRAWN)  # the flow waits
        opened.mouse.up()
        self.settled(opened)

    def test_points_are_added_and_removed(self, opened):
        box = opened.locator("#handles").bounding_box()
        opened.mouse.dblclick(box["x"] + 0.8 * box["width"], box["y"] + 0.2 * box["height"])
        opened.wait_for_function("document.querySelectorAll('.handle').length === 6")
        self.settled(opened)
        opened.get_by_role("button", name="add a point").click()
        opened.wait_for_function("document.querySelectorAll('.handle').length === 7")
        self.settled(opened)
        opened.locator(".handle").nth(0).press("Delete")
        opened.wait_for_function("document.querySelectorAll('.handle').length === 6")
        self.settled(opened)
        assert self.points(opened)[0].tolist() == [-0.6, -0.1]
        assert (
            len(opened.evaluate(TRACES.format("function") + ".find(t => t.name === 'points').x"))
            == 6
        )

    def test_arrow_keys_move_a_point(self, opened):
        handle = opened.locator(".handle").nth(3)
        handle.focus()
        handle.press("ArrowUp")
        handle.press("Shift+ArrowRight")
        opened.wait_for_function("!document.querySelector('#typed').value.includes('0.3, 0.23')")
        x, y = self.points(opened)[3]
        assert y > 0.23
        assert 0.3 < x < 0.32
        self.settled(opened)
        assert "arrow keys move it" in handle.get_attribute("aria-label")
        assert opened.evaluate("document.activeElement.className") == "handle"

    def test_the_scale_moves_the_flow_and_not_the_limit(self, opened):
        limit = opened.evaluate(TRACES.format("staircase") + "[0]")
        function = self.corners(opened)
        flow = opened.evaluate(TRACES.format("staircase") + "[1].x")
        slider = opened.locator("#scale").get_by_role("slider")
        slider.focus()
        for _ in range(3):
            slider.press("PageDown")
        opened.wait_for_function(
            "document.querySelector('#scale-name').innerText !== 'λ = 1e-10' && "
            + TRACES.format("staircase")
            + "[1].name === document.querySelector('#scale-name').innerText"
        )
        assert opened.evaluate(TRACES.format("staircase") + "[0]") == limit
        assert self.corners(opened) == function
        assert opened.evaluate(TRACES.format("staircase") + "[1].x") != flow

    def test_it_plays_along_the_clock(self, opened):
        opened.get_by_role("button", name="play").click()
        opened.wait_for_function("document.querySelector('#clock-name').innerText === 'clock 0'")
        assert max(map(abs, self.corners(opened))) == 0
        opened.wait_for_function(
            "Number(document.querySelector('#clock-name').innerText.slice(6)) > 14", timeout=60_000
        )
        opened.get_by_role("button", name="stop").click()
        assert max(map(abs, self.corners(opened))) > 0.01
        clock = opened.evaluate(
            "document.querySelector('#staircase .js-plotly-plot').layout.shapes[0].x0"
        )
        assert 13.2 < clock < 38.6
        opened.wait_for_timeout(500)
        still = opened.inner_text("#clock-name")
        opened.wait_for_timeout(500)
        assert opened.inner_text("#clock-name") == still

    @pytest.mark.parametrize("name", ["three-points", "xor", "slow-plateau"])
    def test_settings_of_the_literature(self, opened, name):
        setting = sh.load_setting(name)
        opened.get_by_role("button", name=name).click()
        opened.wait_for_function(
            "n => document.querySelector('#typed').value.split('\\n').length === n",
            arg=len(setting.y),
        )
        opened.wait_for_function(f"document.querySelector('#note').innerText.startsWith('{name}')")
        init = sh.Initialization.draw(setting.problem, 20, rng=0)
        last = float(sh.solve_jumps(setting.problem, init).losses[-1])
        opened.wait_for_function(
            "want => Math.abs(" + TRACES.format("staircase") + "[0].y.at(-1) - want) < 1e-6",
            arg=last,
        )
        on_line = setting.X.shape[1] == 1
        assert opened.locator(".handle").count() == (len(setting.y) if on_line else 0)
        assert opened.is_checked("#bias input") == setting.bias
        assert opened.get_by_role("button", name="add a point").is_enabled() == on_line

    def test_typed_and_uploaded_points(self, opened, tmp_path):
        opened.fill("#typed", "0, 1\n1, -1\n2, 0.5")
        opened.locator("#typed").blur()
        opened.wait_for_function("document.querySelectorAll('.handle').length === 3")
        self.settled(opened)
        opened.fill("#typed", "0, 1\n1, what")
        opened.locator("#typed").blur()
        opened.wait_for_function("document.querySelector('#message').innerText.includes('what')")
        file = tmp_path / "points.csv"
        file.write_text("x,y\n-1,0\n0,1\n1,0\n2,1\n")
        opened.locator("#upload input[type=file]").set_input_files(file)
        opened.wait_for_function("document.querySelectorAll('.handle').length === 4")
        assert self.points(opened)[3].tolist() == [2.0, 1.0]
        self.settled(opened)

    def test_the_staircase_begins_before_the_first_jump_or_at_zero(self, opened):
        begin = "document.querySelector('#staircase .js-plotly-plot').layout.xaxis.range[0]"
        assert 0 < opened.evaluate(begin) < 13.2
        opened.locator("#whole input").check()
        opened.wait_for_function(f"{begin} === 0")

    def test_it_fits_a_phone_and_follows_a_finger(self, opened):
        opened.set_viewport_size({"width": 390, "height": 800})
        self.settled(opened)
        where = handle_places(opened)
        while where != (where := handle_places(opened)):  # the page is laid out anew
            pass
        assert opened.evaluate("document.documentElement.scrollWidth") <= 390
        for handle in opened.locator(".handle").all():
            box = handle.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
        handle = opened.locator(".handle").nth(0)
        handle.scroll_into_view_if_needed()
        ranges = (
            "(({layout: l}) => [l.xaxis.range, l.yaxis.range])("
            "document.querySelector('#function .js-plotly-plot'))"
        )

        def measured():
            opened.wait_for_timeout(500)
            frame = opened.locator("#handles").bounding_box()
            return handle.bounding_box(), opened.evaluate(ranges), frame

        before = None
        while before != (before := measured()):  # a busy machine lays out late
            pass
        box, view, frame = before
        reach = np.ptp(view, axis=1) / (frame["width"], frame["height"])  # of a pixel
        finger = opened.context.new_cdp_session(opened)
        finger.send("Emulation.setTouchEmulationEnabled", {"enabled": True})

        def touch(kind, *points):
            at = [{"x": box["x"] + 15 + dx, "y": box["y"] + 15 + dy} for dx, dy in points]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

        touch("touchStart", (0, 0))
        for step in range(1, 6):
            touch("touchMove", (4 * step, 8 * step))
        opened.wait_for_timeout(
            1000
        )  # lines of text above may come or go: the point stays under the finger
        touch("touchMove", (20, 39))
        touch("touchMove", (20, 40))
        down = 40 - (opened.locator("#handles").bounding_box()["y"] - frame["y"])
        touch("touchEnd")
        opened.wait_for_function("!document.querySelector('#typed').value.startsWith('-1, 0.28')")
        self.settled(opened)
        x, y = self.points(opened)[0]
        assert (x + 1) / 20 == pytest.approx(reach[0], rel=0.02)
        assert (0.28 - y) / down == pytest.approx(reach[1], rel=0.02)
