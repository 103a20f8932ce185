
  // ---- charts: what a mark says under the pointer, and series switched off and on by the legend ----
  function nearest(svg, event) {
    var best = null, least = 28;
    all('[data-tip]', svg).forEach(function (mark) {
      if (mark.closest('.off')) return;
      var box = mark.getBoundingClientRect();
      var dx = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
      var dy = Math.max(box.top - event.clientY, 0, event.clientY - box.bottom);
      var distance = Math.hypot(dx, dy) + Math.hypot(box.left + box.width / 2 - event.clientX, 0) / 1000;
      if (distance < least) {
        least = distance;
        best = mark;
      }
    });
    return best;
  }

  all('svg.chart').forEach(function (svg) {
    var figure = svg.closest('figure'), tip = make('div', 'tip'), marked = null;
    tip.hidden = true;
    tip.setAttribute('aria-hidden', 'true');
    figure.appendChild(tip);
    function mark(m) {
      if (marked) marked.classList.remove('near');
      marked = m;
      tip.hidden = !m;
      if (!m) return;
      m.classList.add('near');
      var box = m.getBoundingClientRect(), frame = figure.getBoundingClientRect();
      tip.textContent = m.dataset.tip;
      var half = tip.offsetWidth / 2, x = box.left + box.width / 2 - frame.left;
      tip.style.left = Math.max(half, Math.min(frame.width - half, x)) + 'px';
      tip.style.top = box.top - frame.top + 'px';
    }
    svg.addEventListener('pointermove', function (event) { mark(nearest(svg, event)); });
    svg.addEventListener('pointerdown', function (event) { mark(nearest(svg, event)); });
    svg.addEventListener('pointerleave', function () { mark(null); });
    all('.legend > li', figure).forEach(function (li) {
      var b = button('', '');
      b.setAttribute('aria-pressed', 'true');
      while (li.firstChild) b.appendChild(li.firstChild);
      b.addEventListener('click', function () {
        var on = b.getAttribute('aria-pressed') === 'false';
        b.setAttribute('aria-pressed', String(on));
        one('.series[data-series="' + li.dataset.series + '"]', svg).classList.toggle('off', !on);
      });
      li.appendChild(b);
    });
  });
