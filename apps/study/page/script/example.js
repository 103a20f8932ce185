
  // ---- the small batch of card 1 ----
  var superscripts = '\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079';

  // As apps/report/text.c writes numbers.
  function number(value) {
    if (!isFinite(value)) return isNaN(value) ? '\u2013' : value > 0 ? '\u221e' : '\u2212\u221e';
    var size = Math.abs(value), sign = value < 0 ? '\u2212' : '', e = Math.floor(Math.log10(size));
    if (value === Math.floor(value) && size < 1e9)
      return sign + (size >= 10000 ? String(size).replace(/\B(?=(\d{3})+$)/g, ',') : size);
    if (size >= 0.00001 && size < 100000 && (size >= 0.001 || Math.log10(size) === e)) {
      var text = size.toFixed(size < 0.001 ? 5 : Math.max(0, 3 - e));
      return sign + (text.indexOf('.') < 0 ? text : text.replace(/\.?0+$/, ''));
    }
    var mantissa = size / Math.pow(10, e);
    if (mantissa >= 9.95) {
      mantissa /= 10;
      e++;
    }
    var power = String(Math.abs(e)).split('').map(function (d) { return superscripts[d]; }).join('');
    return sign + mantissa.toFixed(1) + ' \u00d7 10' + (e < 0 ? '\u207b' : '') + power;
  }

  (function () {
    var box = one('#example');
    var given = JSON.parse(one('#results').textContent).page.example;
    var said = one('#example-said');
    var cells = {};
    ['x', 'normalized', 'output'].forEach(function (row) { cells[row] = all('[data-row="' + row + '"] td', box); });

    function field(place, label, value) {
      var input = make('input');
      input.inputMode = 'decimal';
      input.setAttribute('aria-label', label);
      input.value = String(value);
      input.addEventListener('input', function () { update(''); });
      place.textContent = '';
      place.appendChild(input);
      return input;
    }
    var inputs = cells.x.map(function (cell, i) { return field(cell, 'value of image ' + 'ABCDEF'[i], given.x[i]); });
    var scale = field(one('#example-scale'), 'scale, gamma', given.scale);
    var shift = field(one('#example-shift'), 'shift, beta', given.shift);

    function read(input) {
      var text = input.value.trim().replace(',', '.').replace('\u2212', '-');
      var value = text === '' ? NaN : Number(text);
      if (isFinite(value)) input.removeAttribute('aria-invalid');
      else input.setAttribute('aria-invalid', 'true');
      return value;
    }

    function update(words) {
      var x = inputs.map(read), n = x.length, gamma = read(scale), beta = read(shift);
      var good = x.concat(gamma, beta).every(isFinite);
      var mean = x.reduce(function (a, b) { return a + b / n; }, 0);
      var variance = x.reduce(function (a, b) { return a + (b - mean) * (b - mean) / n; }, 0);
      one('#example-mean').textContent = number(good ? mean : NaN);
      one('#example-var').textContent = number(good ? variance : NaN);
      x.forEach(function (value, i) {
        var normalized = (value - mean) / Math.sqrt(variance + given.epsilon);
        cells.normalized[i].textContent = number(good ? normalized : NaN);
        cells.output[i].textContent = number(good ? gamma * normalized + beta : NaN);
      });
      said.textContent = good ? words || 'Mean ' + number(mean) + ', variance ' + number(variance) + '.'
                              : 'One of the fields does not hold a number.';
    }

    function preset(name, words, change) {
      var b = button('pill', name);
      b.addEventListener('click', function () {
        var x = inputs.map(function (i) { return read(i) || 0; });
        change(x);
        inputs.forEach(function (input, i) { input.value = String(Number(x[i].toPrecision(12))); });
        update(words);
      });
      one('.presets', box).appendChild(b);
    }
    function each(change) {
      return function (x) { x.forEach(function (value, i) { x[i] = change(value, i); }); };
    }
    preset('\u00d7 10', 'Ten times the values, ten times the deviation: the result is the same.',
           each(function (v) { return v * 10; }));
    preset('+ 100', 'The mean takes any constant away: the result is the same.', each(function (v) { return v + 100; }));
    preset('\u00f7 1000', 'Now the variance comes near epsilon, and the result shrinks.',
           each(function (v) { return v / 1000; }));
    preset('One outlier', 'One large value moves the mean and the deviation of all: batch mates matter.',
           function (x) { x[x.length - 1] = 80; });
    preset('All alike', 'No variance, nothing to normalize: every result is the shift.',
           function (x) { each(function () { return 4; })(x); });
    preset('Reset', '', function (x) {
      given.x.forEach(function (v, i) { x[i] = v; });
      scale.value = String(given.scale);
      shift.value = String(given.shift);
    });
    one('.presets', box).hidden = false;
    one('.hint', box).hidden = false;
    update(' ');
  })();
