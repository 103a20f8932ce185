// The page is complete without this: the script filters, hides answers on demand, and makes choices, charts and the
// example respond. ASCII only.
(function () {
  'use strict';
  function all(selector, within) { return Array.prototype.slice.call((within || document).querySelectorAll(selector)); }
  function one(selector, within) { return (within || document).querySelector(selector); }
  function make(name, className, text) {
    var element = document.createElement(name);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  }
  function button(className, text) {
    var b = make('button', className, text);
    b.type = 'button';
    return b;
  }
