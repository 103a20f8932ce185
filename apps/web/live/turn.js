  // ---- a weight vector that only turns ----
  (function () {
    var b = bench('turn'), RATE = 0.03, INERTIA = 0.9, lab = 0, step = 0, first = 1, path = [], turns = [];
    var decay = select(b.controls, 'Weight decay', [[0, '0'], [0.005, '0.005'], [0.02, '0.02'], [0.05, '0.05']], 0.05, function () {
      run.after(reset);
    });
    var run = player(b.controls, tick, reset);
    var pair = add(b.box, 'div', 'pair-live');
    var dial = picture(add(pair, 'div'), 'The weight vector: its length, and its angle from where it began', 230);
    var right = add(pair, 'div');
    legend(right, [[0, 'line', 'degrees a step'], [1, 'dashed', 'by theory']]);
    var canvas = picture(right, 'Degrees that the vector turns in a step', 200);
    var out = readouts(b.box), steps = out('step'), length = out('length'), angle = out('from the start'), pace = out('a step, mean of 100', 'c0'),
        predicted = out('by theory', 'c1'), cosine = out('cosine with the gradient');
    function degrees(chord) { return 2 * Math.asin(Math.min(1, chord / 2)) * 180 / Math.PI; }
    function theory() { return Math.sqrt(2 * RATE * decay.get() / (1 + INERTIA)) * 180 / Math.PI; }

    function paintDial() {
      var c = dial(), size = c.height - 30, x0 = c.width / 2 - size / 3, y0 = c.height - 22, unit = size / 1.35;
      function at(p) { return [x0 + unit * p[0] * Math.cos(p[1]), y0 - unit * p[0] * Math.sin(p[1])]; }
      var tip = at(path.length ? path[path.length - 1] : [1, 0]), start = at([1, 0]), up = at([1, Math.PI / 2]);
      draw(c.svg, 'path', { class: 'arc', d: 'M' + start + 'A' + unit + ' ' + unit + ' 0 0 0 ' + up });
      draw(c.svg, 'line', { class: 'axis', x1: x0, y1: y0, x2: start[0], y2: start[1] });
      if (path.length) draw(c.svg, 'path', { class: 'line c1', d: 'M' + path.map(at).join('L') });
      draw(c.svg, 'line', { class: 'arrow', x1: x0, y1: y0, x2: tip[0], y2: tip[1] });
      draw(c.svg, 'circle', { class: 'end c0', cx: tip[0], cy: tip[1], r: 5.5 });
      draw(c.svg, 'text', { class: 'tick', x: start[0], y: y0 + 17, 'text-anchor': 'end' }, 'start');
      c.say(path.length ? 'Length ' + length.textContent + ', ' + angle.textContent + ' from the start' : 'At the start');
    }
    function mean(list) { return list.reduce(function (a, v) { return a + v / list.length; }, 0); }
    function paint() {
      var recent = turns.slice(-100), top = 3, th = theory(), last = Math.max(400, step);
      steps.textContent = String(step);
      predicted.textContent = th ? th.toFixed(2) + '\u00b0' : 'ever less';
      pace.textContent = recent.length ? mean(recent).toFixed(2) + '\u00b0' : '\u2013';
      paintDial();
      lines(canvas(), 0, last, 0, top, [0, 1, 2, 3].map(function (d) { return [d, d + '\u00b0']; }),
            [{ points: turns.map(function (d, i) { return [i + 1, d]; }), kind: 'line', color: 0 },
             { points: th ? [[0, th], [last, th]] : [], kind: 'dashed', color: 1 }], 'steps');
    }
    var LOOK = ['live_step', 'live_length', 'live_from_mark', 'live_turned', 'live_cosine'];
    function note(long, far, turned, slope) {
      step++;
      path.push([long / first, degrees(far) * Math.PI / 180]);
      turns.push(degrees(turned));
      length.textContent = (long / first).toFixed(2) + ' \u00d7';
      angle.textContent = degrees(far).toFixed(1) + '\u00b0';
      cosine.textContent = signed(slope, 4).replace(/^\u2212(?=0\.0000$)/, '');
    }
    function tick(single) {
      var calls = [], count = single ? 1 : 4 - step % 4;
      for (var i = 0; i < count; i++) LOOK.forEach(function (name) { calls.push([name, lab]); });
      return ask(calls).then(function (found) {
        for (var i = 0; i < found.length; i += LOOK.length) note(found[i + 1], found[i + 2], found[i + 3], found[i + 4]);
        paint();
        return step % 400 !== 0;
      });
    }
    function reset() {
      var old = lab ? [['live_free', lab]] : [];
      step = 0;
      path = [];
      turns = [];
      [length, angle, cosine].forEach(function (d) { d.textContent = '\u2013'; });
      return ask(old.concat([['live_new', 1]])).then(function (made) {
        lab = made[made.length - 1];
        return ask([['live_choose', lab, 32, RATE, INERTIA, decay.get(), 0.9], ['live_length', lab]]);
      }).then(function (found) {
        first = found[1];
        paint();
      });
    }
    paint();
    window.addEventListener('resize', paint);
    whenSeen(b.article, function () { run.after(reset); });
    b.article.classList.add('is-live');
  })();
