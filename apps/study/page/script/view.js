
  // ---- filter by difficulty, answers kept back, links to cards ----
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

  // A card that asks for a prediction keeps its answer back until one is made, or until it is asked for.
  var asking = cards.filter(function (card) { return one('.predict', card); });
  var answers = one('#answers');

  function open(card, yes) {
    card.classList.toggle('open', yes);
    var b = one('.reveal', card);
    b.setAttribute('aria-expanded', String(yes));
    b.textContent = yes ? 'Hide' : 'Show the answer';
    var whole = asking.every(function (c) { return c.classList.contains('open'); });
    answers.setAttribute('aria-pressed', String(whole));
  }

  asking.forEach(function (card) {
    var b = button('pill reveal', 'Show the answer');
    b.setAttribute('aria-expanded', 'false');
    b.setAttribute('aria-controls', one('.body', card).id);
    b.addEventListener('click', function () { open(card, !card.classList.contains('open')); });
    card.insertBefore(b, one('.body', card));
    card.classList.add('asks');
  });
  filters.forEach(function (b) {
    b.addEventListener('click', function () { filter(b.dataset.filter, true); });
  });
  answers.addEventListener('click', function () {
    var yes = answers.getAttribute('aria-pressed') === 'false';
    asking.forEach(function (card) { open(card, yes); });
    shown.textContent = yes ? 'All answers are shown' : 'Answers are kept back';
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
    var left = asking.filter(function (c) { return !c.hidden && !c.classList.contains('open') && !c.dataset.asked; });
    if (!left.length) {
      asking.forEach(function (c) { delete c.dataset.asked; });
      left = asking.filter(function (c) { return !c.hidden; });
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
    if (target !== card && card.classList.contains('asks') && !card.classList.contains('open')) {
      open(card, true);
      moved = true;
    }
    if (openFolds(target) || moved) target.scrollIntoView();
  }
  window.addEventListener('hashchange', follow);
  one('.tools').hidden = false;
