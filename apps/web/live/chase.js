  // ---- running statistics run after ----
  (function () {
    var b = bench('chase'), lab = 0, step = 0, dark = 0, switched = null, layer = 0, channel = 0, batchMeans = [], running = [];
    var keep = select(b.controls, 'Momentum of the running mean', [[0.5, '0.5'], [0.9, '0.9'], [0.99, '0.99']], 0.9, function () {
      if (lab) run.after(function () { return ask([settings()]); });
    });
    var buttons = add(b.box, 'div', 'controls'), run = player(buttons, tick, reset);
    push(buttons, 'Switch the light', function () {
      if (!lab) return;
      dark = dark ? 0 : 0.4;
      switched = { step: step, from: running.length ? running[running.length - 1][1] : 0, sum: 0 };
      ask([['live_light', lab, dark]]).then(run.go, function () {});
    });
    legend(b.box, [[1, 'dots', 'mean of the batch'], [0, 'line', 'running mean']]);
    var canvas = picture(b.box, 'Mean of a channel in each batch, and running mean', 220);
    var out = readouts(b.box), steps = out('step'), now = out('batch', 'c1'), mean = out('running', 'c0'), since = out('steps since the switch'),
        left = out('of the way left'), law = out('by the law m^t');
    function settings() { return ['live_choose', lab, 32, 0, 0, 0, keep.get()]; }

    function paint() {
      var both = batchMeans.concat(running).map(function (p) { return p[1]; }), last = Math.max(150, step);
      var low = Math.min.apply(null, both.concat(0)), high = Math.max.apply(null, both.concat(0.1));
      lines(canvas(), last - 150, last, low, high, [[low, signed(low, 2)], [high, signed(high, 2)]],
            [{ points: batchMeans, kind: 'dots', color: 1 }, { points: running, kind: 'line', color: 0 }], 'steps');
      steps.textContent = String(step);
    }
    function tick() {
      return ask([['live_watch', lab], ['live_batch_mean', lab, layer, channel], ['live_running_mean', lab, layer, channel]]).then(function (found) {
        step++;
        batchMeans.push([step, found[1]]);
        running.push([step, found[2]]);
        now.textContent = signed(found[1], 3);
        mean.textContent = signed(found[2], 3);
        if (switched) {
          var t = step - switched.step;
          switched.sum += found[1];
          since.textContent = String(t);
          left.textContent = percent((found[2] - switched.sum / t) / (switched.from - switched.sum / t));
          law.textContent = percent(Math.pow(keep.get(), t));
        }
        paint();
        return step % 150 !== 0;
      });
    }
    function reset() {
      var old = lab ? [['live_free', lab]] : [];
      step = dark = 0;
      switched = null;
      batchMeans = [];
      running = [];
      [now, mean, since, left, law].forEach(function (d) { d.textContent = '\u2013'; });
      return ask(old.concat([['live_new', 1]])).then(function (made) {
        lab = made[made.length - 1];
        paint();
        return ask([settings()]);
      });
    }
    paint();
    window.addEventListener('resize', paint);
    whenSeen(b.article, function () { run.after(reset); });
    b.article.classList.add('is-live');
  })();

