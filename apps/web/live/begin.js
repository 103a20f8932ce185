// The laboratory: puts controls and figures into the experiments of the page, and asks the module. ASCII only.
(function () {
  'use strict';
  function all(selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); }
  function one(selector, within) { return (within || document).querySelector(selector); }
  function add(to, name, className, text) {
    var element = document.createElement(name);
    if (className) element.className = className;
    if (text) element.textContent = text;
    if (to) to.appendChild(element);
    return element;
  }
  function frame() { return new Promise(requestAnimationFrame); }
  // `act` when the element is first seen.
  function whenSeen(element, act) {
    var watch = new IntersectionObserver(function (entries) {
      if (!entries.some(function (e) { return e.isIntersecting; })) return;
      watch.disconnect();
      act();
    }, { rootMargin: '100px' });
    watch.observe(element);
  }
  function percent(share) { return isFinite(share) ? (100 * share).toFixed(1) + '%' : '\u2013'; }
  function signed(value, digits) { return value.toFixed(digits).replace('-', '\u2212'); }

