
  // ---- filter by difficulty, interview view, links to cards ----
  var cards = all('article.card');
  var filters = all('.filter button');
  var shown = one('#shown');
  var ask = one('#ask');

  function filter(level, announce) {
    var count = 0;
    filters.forEach(function (b) { b.setAttribute('aria-pressed', String(b.dataset.filter === level)); });
    all('[data-level]').forEach(function (item) {
      item.hidden = level !== 'all' && item.dataset.level !== level;
      if (!item.hidden && item.classList.contains('card')) count++;
    });
    if (announce) shown.textContent = count + ' cards shown';
  }

  function open(card, yes) {
    card.classList.toggle('open', yes);
    var b = one('.reveal', card);
    b.setAttribute('aria-expanded', String(yes));
    b.textContent = yes ? 'Hide answer' : 'Show answer';
  }

  function interview(on) {
    document.body.classList.toggle('interview', on);
    one('#interview').setAttribute('aria-pressed', String(on));
    ask.hidden = !on;
    cards.forEach(function (card) { open(card, false); });
    shown.textContent = on ? 'Answers are hidden' : 'Answers are shown';
  }

  cards.forEach(function (card) {
    var b = button('pill reveal', 'Show answer');
    b.setAttribute('aria-expanded', 'false');
    b.setAttribute('aria-controls', one('.body', card).id);
    b.addEventListener('click', function () { open(card, !card.classList.contains('open')); });
    card.insertBefore(b, one('.body', card));
  });
  filters.forEach(function (b) {
    b.addEventListener('click', function () { filter(b.dataset.filter, true); });
  });
  one('#interview').addEventListener('click', function () {
    interview(!document.body.classList.contains('interview'));
  });
  // Opens what is folded round a place; whether anything was.
  function openFolds(place) {
    var any = false;
    for (var d = place.closest('details'); d; d = d.parentElement.closest('details')) {
      any = any || !d.open;
      d.open = true;
    }
    return any;
  }

  // A random card that is still closed and passes the filter.
  ask.addEventListener('click', function () {
    var left = cards.filter(function (c) { return !c.hidden && !c.classList.contains('open') && !c.dataset.asked; });
    if (!left.length) {
      cards.forEach(function (c) { delete c.dataset.asked; });
      left = cards.filter(function (c) { return !c.hidden; });
    }
    var card = left[Math.floor(Math.random() * left.length)];
    card.dataset.asked = 'yes';
    openFolds(card);
    card.scrollIntoView();
    one('.self', card).focus({ preventScroll: true });
  });

  // A link into a card shows the card, whatever the filter, and its answer when it points inside.
  function follow() {
    var target = /^#[a-z0-9-]+$/.test(location.hash) && one(location.hash);
    var card = target && target.closest('article.card');
    if (!card) return;
    var moved = card.hidden;
    if (card.hidden) filter('all', true);
    if (target !== card && !card.classList.contains('open')) {
      open(card, true);
      moved = true;
    }
    if (openFolds(target) || moved) target.scrollIntoView();
  }
  window.addEventListener('hashchange', follow);
  one('.tools').hidden = false;
