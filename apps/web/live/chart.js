  // ---- charts ----
  var NS = 'http://www.w3.org/2000/svg';
  function draw(to, name, attributes, text) {
    var e = document.createElementNS(NS, name);
    Object.keys(attributes).forEach(function (key) { e.setAttribute(key, attributes[key]); });
    if (text !== undefined) e.textContent = text;
    to.appendChild(e);
    return e;
  }

  function picture(box, name, height) {
    var figure = add(box, 'figure', 'live-figure'), svg = draw(figure, 'svg', { role: 'img', 'aria-label': name });
    return function () { // emptied, at the width there is
      var width = Math.max(240, figure.clientWidth);
      svg.textContent = '';
      svg.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
      svg.setAttribute('width', width);
      svg.setAttribute('height', height);
      return { svg: svg, width: width, height: height, say: function (text) { svg.setAttribute('aria-label', name + '. ' + text); } };
    };
  }

  // Lines and dots over steps. ticks: [value, text]; series: points, kind ('line', 'dashed', 'dots'), color 0 to 5, name.
  function lines(canvas, x0, x1, y0, y1, ticks, series, xName) {
    var left = 58, right = canvas.width - 12, top = 10, bottom = canvas.height - 34;
    function x(v) { return left + (v - x0) / (x1 - x0) * (right - left); }
    function y(v) { return bottom - (Math.max(y0, Math.min(y1, v)) - y0) / (y1 - y0) * (bottom - top); }
    function at(p) { return x(p[0]).toFixed(1) + ' ' + y(p[1]).toFixed(1); }
    ticks.forEach(function (t) {
      draw(canvas.svg, 'line', { class: 'grid', x1: left, x2: right, y1: y(t[0]), y2: y(t[0]) });
      draw(canvas.svg, 'text', { class: 'tick', x: left - 8, y: y(t[0]) + 4, 'text-anchor': 'end' }, t[1]);
    });
    draw(canvas.svg, 'text', { class: 'tick', x: left, y: bottom + 18 }, String(x0));
    draw(canvas.svg, 'text', { class: 'tick', x: (left + right) / 2, y: bottom + 18, 'text-anchor': 'middle' }, xName);
    draw(canvas.svg, 'text', { class: 'tick', x: right, y: bottom + 18, 'text-anchor': 'end' }, String(x1));
    series.forEach(function (s) {
      var points = s.points.filter(function (p) { return p[0] >= x0 && isFinite(p[1]); }), last = points[points.length - 1];
      if (!last) return;
      if (s.kind === 'dots') {
        points.forEach(function (p) { draw(canvas.svg, 'circle', { class: 'dot c' + s.color, cx: x(p[0]), cy: y(p[1]), r: 2 }); });
        return;
      }
      draw(canvas.svg, 'path', { class: 'line c' + s.color + ' ' + s.kind, d: 'M' + points.map(at).join('L') });
      if (s.kind === 'dashed') draw(canvas.svg, 'rect', { class: 'end c' + s.color, x: x(last[0]) - 4, y: y(last[1]) - 4, width: 8, height: 8 });
      else if (s.end !== false) draw(canvas.svg, 'circle', { class: 'end c' + s.color, cx: x(last[0]), cy: y(last[1]), r: 4.5 });
    });
  }

  function legend(box, names) { // [color, kind, text]
    var list = add(box, 'ul', 'live-legend');
    return names.map(function (n) {
      var li = add(list, 'li', 'c' + n[0] + ' ' + n[1]);
      add(li, 'i');
      return add(li, 'span', '', n[2]);
    });
  }

