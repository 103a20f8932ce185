// The page is complete without this: it only adds a filter by difficulty and opens the card of a deep link.
(function () {
  'use strict';
  var bar = document.querySelector('.filter');
  var buttons = Array.prototype.slice.call(bar.querySelectorAll('button'));
  var items = Array.prototype.slice.call(document.querySelectorAll('[data-level]'));
  var shown = document.getElementById('shown');

  function apply(level, announce) {
    var count = 0;
    buttons.forEach(function (b) { b.setAttribute('aria-pressed', String(b.dataset.filter === level)); });
    items.forEach(function (item) {
      item.hidden = level !== 'all' && item.dataset.level !== level;
      if (!item.hidden && item.classList.contains('card')) count++;
    });
    if (announce) shown.textContent = count + ' questions shown';
  }

  buttons.forEach(function (b) {
    b.addEventListener('click', function () { apply(b.dataset.filter, true); });
  });

  // A link to a card that is filtered out shows all cards first.
  function follow() {
    var card = /^#q\d+$/.test(location.hash) && document.querySelector(location.hash);
    if (!card) return;
    if (card.hidden) {
      apply('all', true);
      card.scrollIntoView();
    }
  }
  window.addEventListener('hashchange', follow);
  bar.hidden = false;
  follow();
})();
