  // ---- two networks at one learning rate ----
  (function () {
    var b = bench('rate'), norms = [[0, 'no norm'], [1, 'batch norm'], [2, 'group norm'], [3, 'layer norm']];
    var step = 0, until = 0, ticks = 0, mode = 0;
    var lanes = [{ norm: 0 }, { norm: 1 }];
    function anew() { run.after(reset); }
    function settled() { // of settings that training can go on with
      if (lanes[0].lab) run.after(function () { return ask(settings()); });
    }
    lanes.forEach(function (lane, i) {
      lane.choice = select(b.controls, 'Network ' + 'AB'[i], norms, lane.norm, anew);
    });
    var batch = select(b.controls, 'Images a batch', [1, 2, 4, 8, 16, 32, 64].map(function (n) { return [n, String(n)]; }), 32, anew);
    var rates = [0.001, 0.004, 0.01, 0.03, 0.1, 0.4, 1];
    var rate = slider(b.controls, 'Learning rate', 0, 6, 1, 5, function (i) { return String(rates[i]); }, settled);
    var inertia = select(b.controls, 'Momentum', [[0, '0'], [0.5, '0.5'], [0.9, '0.9']], 0.9, settled);
    select(b.controls, 'Read in', [[0, 'training mode'], [1, 'evaluation mode']], 0, function (m) {
      mode = m;
      run.after(look);
    });
    var buttons = add(b.box, 'div', 'controls');
    var run = player(buttons, tick, reset);
    function preset(text, norm, rateIndex, size) {
      push(buttons, text, function () {
        lanes[0].choice.set(norm[0]);
        lanes[1].choice.set(norm[1]);
        rate.set(rateIndex);
        batch.set(size);
        inertia.set(0.9);
        run.after(reset).then(run.go);
      }).className = 'pill preset';
    }
    preset('High rate', [0, 1], 5, 32);
    preset('Low rate', [0, 1], 3, 32);
    preset('Batch of one', [1, 2], 1, 1);

    var names = legend(b.box, [[1, 'dashed', 'A'], [0, 'line', 'B']]);
    var canvas = picture(b.box, 'Part of the test digits read right, over steps', 220);
    var out = readouts(b.box), steps = out('step');
    lanes.forEach(function (lane, i) {
      lane.right = out('AB'[i] + ': read right', i ? 'c0' : 'c1');
      lane.said = out('AB'[i] + ': loss', i ? 'c0' : 'c1');
      lane.row = add(b.box, 'p', 'tiles-title');
      lane.tiles = tiles(b.box, 16, 'Network ' + 'AB'[i]);
    });
    var status = add(b.box, 'p', 'sr');
    status.setAttribute('role', 'status');

    function settings() {
      return lanes.map(function (lane) { return ['live_choose', lane.lab, batch.get(), rates[rate.get()], inertia.get(), 0, 0.9]; });
    }
    function span() { return 150 * Math.min(10, Math.max(1, Math.round(16 / batch.get()))); }

    function paint() {
      steps.textContent = String(step);
      lanes.forEach(function (lane, i) {
        lane.said.textContent = step === 0 ? '\u2013' : isFinite(lane.loss) ? lane.loss.toFixed(3) : 'not a number';
        lane.right.textContent = percent(lane.share);
        lane.row.textContent = names[i].textContent = 'AB'[i] + ': ' + norms[lane.norm][1];
      });
      lines(canvas(), 0, Math.max(until, step), 0, 1, [[0, ''], [0.1, 'chance'], [0.5, '50%'], [1, '100%']],
            [{ points: lanes[0].points, kind: 'dashed', color: 1 }, { points: lanes[1].points, kind: 'line', color: 0 }], 'steps');
    }

    function look() {
      return truth().then(function (digits) {
        return ask(lanes.reduce(function (calls, lane) {
          return calls.concat([['live_accuracy', lane.lab, mode], ['live_read', lane.lab, 0, mode]]);
        }, [])).then(function (found) {
          lanes.forEach(function (lane, i) {
            lane.share = found[2 * i];
            lane.points.push([step, lane.share]);
            lane.tiles.read(found[2 * i + 1], digits);
          });
          paint();
        });
      });
    }

    function tick(single) {
      if (step >= until) until += span();
      var count = single ? 1 : Math.min(Math.max(2, Math.round(30 / batch.get())), until - step), calls = [];
      for (var i = 0; i < count; i++) calls.push(['live_step', lanes[0].lab], ['live_step', lanes[1].lab]);
      return ask(calls).then(function (losses) {
        lanes.forEach(function (lane, i) { lane.loss = losses[losses.length - 2 + i]; });
        step += count;
        ticks++;
        paint();
        if (!single && ticks % 5 !== 0 && step < until) return true;
        return look().then(function () {
          if (step >= until && !single)
            status.textContent = lanes.map(function (lane, i) { return 'Network ' + 'AB'[i] + ' reads ' + percent(lane.share); }).join(', ');
          return step < until;
        });
      });
    }

    function reset() {
      var calls = [];
      lanes.forEach(function (lane) {
        if (lane.lab) calls.push(['live_free', lane.lab]);
        lane.norm = lane.choice.get();
        lane.points = [];
      });
      step = ticks = 0;
      until = span();
      return ask(calls.concat(lanes.map(function (lane) { return ['live_new', lane.norm]; }))).then(function (made) {
        lanes.forEach(function (lane, i) { lane.lab = made[made.length - 2 + i]; });
        return ask(settings());
      }).then(look);
    }

    function pictures() {
      var calls = [];
      for (var i = 0; i < 16; i++) calls.push(['live_image', lanes[0].lab, i]);
      return ask(calls).then(function (found) {
        found.forEach(function (pixels, i) { lanes.forEach(function (lane) { lane.tiles.picture(i, pixels); }); });
      });
    }
    whenSeen(b.article, function () { run.after(function () { return reset().then(pictures); }); });
    window.addEventListener('resize', function () { if (lanes[0].points) paint(); });
    b.article.classList.add('is-live');
  })();

