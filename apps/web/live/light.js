  // ---- a change of light ----
  (function () {
    var b = bench('light'), lab = 0, shares = [0, 0];
    var light = slider(b.controls, 'Brightness', -0.6, 0.6, 0.1, 0, function (v) { return signed(v, 1).replace(/^(?=[0-9])/, v > 0 ? '+' : ''); }, function () { update(); });
    push(b.controls, 'Measure anew', function () { if (lab) later(['live_measure', lab]); });
    push(b.controls, 'Back to the old light', function () {
      if (!lab) return;
      light.set(0);
      later(['live_light', lab, 0], ['live_measure', lab]);
    });
    var canvas = picture(b.box, 'Part of the test digits read right', 96);
    var out = readouts(b.box), training = out('training mode', 'c1'), evaluation = out('evaluation mode', 'c0');
    add(b.box, 'p', 'tiles-title', 'Read in evaluation mode');
    var grid = tiles(b.box, 16, 'Evaluation mode'), told = add(b.box, 'p', 'told'), queue = [];
    told.setAttribute('role', 'status');

    function bars() {
      var c = canvas(), left = 96, width = c.width - left - 60;
      ['training', 'evaluation'].forEach(function (name, i) {
        var top = 8 + 44 * i;
        draw(c.svg, 'text', { class: 'tick', x: left - 10, y: top + 23, 'text-anchor': 'end' }, name);
        draw(c.svg, 'rect', { class: 'rail', x: left, y: top, width: width, height: 34, rx: 3 });
        draw(c.svg, 'rect', { class: 'bar c' + (1 - i), x: left, y: top, width: width * shares[i], height: 34, rx: 3 });
        draw(c.svg, 'text', { class: 'value', x: left + width + 8, y: top + 23 }, percent(shares[i]));
      });
      c.say('Training mode ' + percent(shares[0]) + ', evaluation mode ' + percent(shares[1]));
    }

    var update = latest(function () {
      if (!lab) return Promise.resolve();
      var calls = [['live_light', lab, light.get()]].concat(queue.splice(0), [['live_accuracy', lab, 0], ['live_accuracy', lab, 1], ['live_read', lab, 0, 1]]);
      var first = calls.length;
      for (var i = 0; i < 16; i++) calls.push(['live_image', lab, i]);
      return Promise.all([truth(), ask(calls)]).then(function (both) {
        var found = both[1];
        shares = [found[first - 3], found[first - 2]];
        bars();
        training.textContent = percent(shares[0]);
        evaluation.textContent = percent(shares[1]);
        for (var i = 0; i < 16; i++) grid.picture(i, found[first + i]);
        grid.read(found[first - 1], both[0]);
        told.textContent = '';
      });
    });
    function later() {
      queue.push.apply(queue, arguments);
      update();
    }
    whenSeen(b.article, function () {
      learned(1, function (text) { told.textContent = 'The network learns first: ' + text + '.'; }).then(function (made) {
        lab = made;
        update();
      }).catch(function () {});
    });
    bars();
    window.addEventListener('resize', function () { bars(); });
    b.article.classList.add('is-live');
  })();

