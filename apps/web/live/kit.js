  // ---- controls and readouts ----
  function bench(id) {
    var box = one('#live-' + id + ' .bench');
    return { box: box, controls: add(box, 'div', 'controls'), article: box.parentNode };
  }

  var knobs = 0;
  function knob(box, text, name) {
    var place = add(box, 'div', 'knob'), label = add(place, 'label', '', text), field = add(place, name);
    label.htmlFor = field.id = 'live-knob-' + ++knobs;
    return field;
  }

  // choices: [value, text]; values are numbers.
  function select(box, text, choices, value, changed) {
    var field = knob(box, text, 'select');
    choices.forEach(function (c) {
      var o = add(field, 'option', '', c[1]);
      o.value = String(c[0]);
    });
    field.value = String(value);
    field.addEventListener('change', function () { changed(Number(field.value)); });
    return { get: function () { return Number(field.value); }, set: function (v) { field.value = String(v); } };
  }

  function slider(box, text, low, high, step, value, show, changed) {
    var field = knob(box, text, 'input'), shown = add(field.parentNode, 'output');
    field.type = 'range';
    field.min = low;
    field.max = high;
    field.step = step;
    function set(v) {
      field.value = v;
      shown.textContent = show(Number(field.value));
      field.setAttribute('aria-valuetext', shown.textContent);
    }
    field.addEventListener('input', function () {
      set(field.value);
      changed(Number(field.value));
    });
    set(value);
    return { get: function () { return Number(field.value); }, set: set };
  }

  function push(box, text, act) {
    var b = add(box, 'button', 'pill', text);
    b.type = 'button';
    b.addEventListener('click', act);
    return b;
  }

  // A figure in words: its name, and where its value goes.
  function readouts(box) {
    var list = add(box, 'dl', 'readouts');
    return function (name, className) {
      var div = add(list, 'div', className);
      add(div, 'dt', '', name);
      return add(div, 'dd', '', '\u2013');
    };
  }

  // Play, step and reset. tick(one): a promise of true while there is more to do; one: a single step.
  function player(box, tick, reset) {
    var playing = false, busy = Promise.resolve();
    var play = push(box, 'Play', function () { if (playing) stop(); else go(); });
    play.className = 'pill play';
    function stop() {
      playing = false;
      play.textContent = 'Play';
    }
    function loop() {
      if (!playing) return undefined;
      return tick(false).then(function (more) {
        if (!more) stop();
        return frame();
      }).then(loop);
    }
    function go() {
      if (playing) return;
      playing = true;
      play.textContent = 'Pause';
      busy = busy.then(loop).catch(stop);
    }
    function after(act) {
      stop();
      busy = busy.then(act).catch(stop);
      return busy;
    }
    push(box, 'Step', function () { after(function () { return tick(true); }); });
    push(box, 'Reset', function () { after(reset); });
    return { go: go, after: after };
  }

  // Of many requests that come while one is under way, the last.
  function latest(act) {
    var busy = false, again = false;
    return function request() {
      again = busy;
      if (busy) return;
      busy = true;
      act().catch(function () {}).then(function () {
        busy = false;
        if (again) request();
      });
    };
  }

  // Digits, each with what the network reads.
  function tiles(box, count, name) {
    var list = add(box, 'div', 'tiles'), items = [];
    list.setAttribute('role', 'img');
    list.setAttribute('aria-label', name);
    for (var i = 0; i < count; i++) {
      var item = add(list, 'span', 'tile'), canvas = add(item, 'canvas');
      canvas.width = canvas.height = 16;
      items.push({ item: item, canvas: canvas, mark: add(item, 'b') });
    }
    function picture(i, pixels, from) {
      var context = items[i].canvas.getContext('2d'), image = context.createImageData(16, 16);
      for (var p = 0; p < 256; p++) {
        var v = Math.round(255 * pixels[(from || 0) + p]);
        image.data.set([v, v, v, 255], 4 * p);
      }
      context.putImageData(image, 0, 0);
    }
    function read(digits, truth) {
      var right = 0;
      items.forEach(function (t, i) {
        var good = digits[i] === truth[i];
        right += good;
        t.mark.textContent = good ? String(digits[i]) : digits[i] + '\u2717';
        t.item.className = good ? 'tile' : 'tile wrong';
      });
      list.setAttribute('aria-label', name + ': ' + right + ' of ' + count + ' digits read right');
    }
    function show(shown) { items.forEach(function (t, i) { t.item.hidden = i >= shown; }); }
    return { picture: picture, read: read, show: show, list: list };
  }

  // A network that has learned: 200 steps at rate 0.05; told on the way.
  function learned(norm, told) {
    return ask([['live_new', norm]]).then(function (made) {
      var lab = made[0], done = 0;
      function more() {
        told(done + ' of 200 steps');
        if (done === 200) return lab;
        done += 4;
        return ask([0, 1, 2, 3].map(function () { return ['live_step', lab]; })).then(more);
      }
      return more();
    });
  }

  var truth = askLater(function () {
    return ask(Array.from({ length: 64 }, function (_, i) { return ['live_digit', i]; }));
  });
  // A promise that is asked for once, when it is first wanted.
  function askLater(make) {
    var promise;
    return function () {
      promise = promise || make();
      return promise;
    };
  }

