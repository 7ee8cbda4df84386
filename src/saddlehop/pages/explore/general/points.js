// Points that can be dragged, added, removed and typed, and the clock that plays.
//
// The page's store `points` holds {rows, y, bias, moving, view}. What moves, a point or a slider, is sent again
// only when the figures have followed it, so that no requests pile up; where it is let go is always sent.
(function () {
  'use strict';
  var points = null, view = null; // as last drawn
  var settle = null; // the timer after which keys count as let go
  var playing = false, now = 0; // the place of the clock that is drawn
  var SETTLE_MS = 300, FRAME_MS = 40, PATIENCE_MS = 10000, PLACES = 100;

  function set(id, props) { window.dash_clientside.set_props(id, props); }
  function element(id) { return document.getElementById(id); }

  // Sends data to a store, the newest alone while an answer is on its way.
  function pump(store) {
    var sent = null, next = null;
    var send = function (data) {
      sent = performance.now();
      next = null;
      set(store, {data: data});
    };
    return {
      send: send,
      offer: function (data) {
        if (sent !== null && performance.now() - sent < PATIENCE_MS) { next = data; } else { send(data); }
      },
      landed: function () {
        sent = null;
        if (next !== null) { send(next); return true; }
        return false;
      }
    };
  }

  var toPoints = pump('points'), toAsked = pump('asked');

  function send(data) {
    points = data;
    place();
    if (data.moving) { toPoints.offer(data); } else { toPoints.send(data); }
  }

  function changed(rows, y, moving) {
    send({rows: rows, y: y, bias: points.bias, moving: moving, view: view});
  }

  // To a thousandth of the view, without the digits that come of counting in twos.
  function rounded(value, reach) {
    var step = Math.pow(10, Math.floor(Math.log10(reach)) - 3);
    return Number((Math.round(value / step) * step).toPrecision(12));
  }

  function move(index, x, y, moving) {
    var inside = function (value, low, high) { return Math.min(Math.max(value, low), high); };
    var rows = points.rows.slice(), labels = points.y.slice();
    rows[index] = [rounded(inside(x, view[0], view[1]), view[1] - view[0])];
    labels[index] = rounded(inside(y, view[2], view[3]), view[3] - view[2]);
    changed(rows, labels, moving);
  }

  function add(x, y) {
    changed(points.rows.concat([[rounded(x, view[1] - view[0])]]),
      points.y.concat([rounded(y, view[3] - view[2])]), false);
  }

  function addInWidestGap() {
    if (!view) { return; }
    var x = points.rows.map(function (row) { return row[0]; }).concat(view.slice(0, 2));
    x.sort(function (a, b) { return a - b; });
    var widest = 1;
    for (var i = 2; i < x.length; i += 1) {
      if (x[i] - x[i - 1] > x[widest] - x[widest - 1]) { widest = i; }
    }
    add((x[widest] + x[widest - 1]) / 2, (view[2] + view[3]) / 2);
  }

  function remove(index) {
    if (points.y.length < 2) { return; }
    var others = function (_, place) { return place !== index; };
    changed(points.rows.filter(others), points.y.filter(others), false);
    var handle = element('handles').children[Math.min(index, points.y.length - 1)];
    if (handle) { handle.focus(); }
  }

  // Where the pointer is, in the view.
  function under(event) {
    var box = element('handles').getBoundingClientRect();
    return [view[0] + (event.clientX - box.left) / box.width * (view[1] - view[0]),
      view[3] - (event.clientY - box.top) / box.height * (view[3] - view[2])];
  }

  function newHandle() {
    var handle = document.createElement('button');
    handle.type = 'button';
    handle.className = 'handle';
    var index = function () { return Array.prototype.indexOf.call(element('handles').children, handle); };
    var held = false;
    handle.addEventListener('pointerdown', function (event) {
      held = true;
      handle.setPointerCapture(event.pointerId);
    });
    handle.addEventListener('pointermove', function (event) {
      if (held) { var at = under(event); move(index(), at[0], at[1], true); }
    });
    ['pointerup', 'pointercancel'].forEach(function (name) {
      handle.addEventListener(name, function () {
        if (held && points.moving) { changed(points.rows, points.y, false); }
        held = false;
      });
    });
    handle.addEventListener('dblclick', function (event) { event.stopPropagation(); });
    handle.addEventListener('keydown', function (event) { key(event, index()); });
    return handle;
  }

  function key(event, index) {
    var ways = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
    if (event.key === 'Delete' || event.key === 'Backspace') { remove(index); }
    else if (ways[event.key]) {
      var step = event.shiftKey ? 0.002 : 0.02, way = ways[event.key];
      move(index, points.rows[index][0] + way[0] * step * (view[1] - view[0]),
        points.y[index] + way[1] * step * (view[3] - view[2]), true);
      clearTimeout(settle);
      settle = setTimeout(function () { changed(points.rows, points.y, false); }, SETTLE_MS);
    } else { return; }
    event.preventDefault();
  }

  // Put the handles where the points are.
  function place() {
    var handles = element('handles');
    var count = view ? points.y.length : 0;
    handles.hidden = !view;
    handles.classList.toggle('many', count > 15);
    while (handles.children.length > count) { handles.lastChild.remove(); }
    while (handles.children.length < count) { handles.appendChild(newHandle()); }
    for (var i = 0; i < count; i += 1) {
      var handle = handles.children[i], x = points.rows[i][0], y = points.y[i];
      handle.style.left = 100 * (x - view[0]) / (view[1] - view[0]) + '%';
      handle.style.top = 100 * (view[3] - y) / (view[3] - view[2]) + '%';
      handle.setAttribute('aria-label', 'point ' + (i + 1) + ' at x = ' + x + ', y = ' + y +
        '; arrow keys move it, Delete removes it');
    }
    write();
  }

  function write() {
    var box = element('typed');
    if (document.activeElement === box) { return; }
    box.value = points.rows.map(function (row, i) {
      return row.concat([points.y[i]]).join(', ');
    }).join('\n');
  }

  // The page is drawn once for each place of the clock; the next place is set when this one is seen.
  function advance() {
    if (now >= PLACES) { stop(); return; }
    set('place', {value: now + 1});
  }

  function stop() {
    playing = false;
    element('play').textContent = 'play';
  }

  function play() {
    if (playing) { stop(); return; }
    playing = true;
    element('play').textContent = 'stop';
    if (now >= PLACES) { set('place', {value: 0}); } else { advance(); }
  }

  function begin() {
    var handles = element('handles');
    if (handles.dataset.begun) { return; }
    handles.dataset.begun = 'yes';
    handles.addEventListener('dblclick', function (event) {
      var at = under(event);
      add(at[0], at[1]);
    });
    element('add').addEventListener('click', addInWidestGap);
    element('play').addEventListener('click', play);
    var box = document.createElement('textarea');
    box.id = 'typed';
    box.className = 'typed';
    element('typed-box').appendChild(box);
    box.addEventListener('change', function (event) {
      set('typed-text', {data: event.target.value});
    });
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    points: {
      // New data from the page, or figures that follow what is here.
      show: function (figure, _, data) {
        if (!figure || !data) { return; }
        begin();
        if (toPoints.landed()) { return; }
        if (!points || !points.moving || !data.moving) { points = data; }
        var layout = figure.layout, on_line = data.rows[0].length === 1;
        view = on_line ? layout.xaxis.range.concat(layout.yaxis.range) : null;
        element('add').disabled = !on_line;
        place();
      },
      // A slider moved.
      ask: function (scale, clock, whole) { toAsked.offer([scale, clock, whole]); },
      landed: function (drawn) {
        if (!drawn) { return; }
        now = drawn.place;
        toAsked.landed();
        if (playing) { setTimeout(function () { if (playing) { advance(); } }, FRAME_MS); }
      }
    }
  });
}());
