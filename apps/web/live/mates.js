  // ---- one image among others ----
  (function () {
    var b = bench('mates'), labs = {}, shown = 0, mates = 0, digit = -1, before = null;
    var norm = select(b.controls, 'Norm', [[1, 'batch norm'], [2, 'group norm'], [3, 'layer norm']], 1, forget);
    var mode = select(b.controls, 'Mode', [[0, 'training'], [1, 'evaluation']], 0, forget);
    var size = slider(b.controls, 'Images in the batch', 1, 32, 1, 8, String, function () { update(); });
    var buttons = add(b.box, 'div', 'controls');
    push(buttons, 'Other mates', function () {
      mates++;
      digit = -1;
      update();
    });
    push(buttons, 'Mates of one digit', function () {
      digit = (digit + 1) % 10;
      update();
    });
    push(buttons, 'Another image', function () {
      shown = (shown + 1) % 64;
      forget();
    });
    var grid = tiles(b.box, 32, 'The batch');
    grid.list.classList.add('small');
    var canvas = picture(b.box, 'The ten logits of the first image', 190);
    var out = readouts(b.box), reads = out('reads'), moved = out('moved by other mates'), other = out('from another image\u2019s');
    var told = add(b.box, 'p', 'told');
    told.setAttribute('role', 'status');
    function forget() { // another network, mode or image: nothing to compare with
      before = null;
      update();
    }

    function bars(now, before) {
      var c = canvas(), width = (c.width - 20) / 10, middle = 95, most = 1;
      now.concat(before || []).forEach(function (v) { most = Math.max(most, Math.abs(v)); });
      function bar(v, i, kind, inset) {
        var height = 70 * Math.abs(v) / most;
        draw(c.svg, 'rect', { class: kind, x: 10 + i * width + inset, y: v > 0 ? middle - height : middle, width: width - 2 * inset, height: height });
      }
      now.forEach(function (v, i) {
        bar(v, i, 'bar c0', width / 5);
        if (before) bar(before[i], i, 'ghost', width / 10);
        draw(c.svg, 'text', { class: 'tick', x: 10 + (i + 0.5) * width, y: 186, 'text-anchor': 'middle' }, String(i));
      });
      draw(c.svg, 'line', { class: 'axis', x1: 10, x2: c.width - 10, y1: middle, y2: middle });
      c.say(now.map(function (v, i) { return i + ': ' + signed(v, 2); }).join(', ') + (before ? '. Outlines: before.' : ''));
    }
    function apart(a, b) {
      return a.reduce(function (most, v, i) { return Math.max(most, Math.abs(v - b[i])); }, 0);
    }
    function distance(value) { return value === 0 ? '0, not a bit' : value.toFixed(3); }

    function show(lab) {
      var call = [lab, shown, size.get(), mates, digit, mode.get()], twin = call.slice();
      twin[1] = shown + 1;
      return ask([['live_logits'].concat(twin), ['live_logits'].concat(call), ['live_batch', lab]]).then(function (found) {
        var now = Array.from(found[1]), best = now.indexOf(Math.max.apply(null, now));
        bars(now, before);
        reads.textContent = String(best);
        moved.textContent = before ? distance(apart(now, before)) : '\u2013';
        other.textContent = distance(apart(now, Array.from(found[0])));
        for (var i = 0; i < size.get(); i++) grid.picture(i, found[2], 256 * i);
        grid.show(size.get());
        grid.list.setAttribute('aria-label', 'The batch: the image and ' + (size.get() - 1) + ' mates');
        told.textContent = '';
        before = now;
      });
    }
    var update = latest(function () {
      var kind = norm.get();
      labs[kind] = labs[kind] || learned(kind, function (text) { told.textContent = 'The network learns first: ' + text + '.'; });
      return labs[kind].then(show);
    });
    window.addEventListener('resize', function () { if (before) bars(before, null); });
    grid.show(8);
    whenSeen(b.article, function () { update(); });
    b.article.classList.add('is-live');
  })();

