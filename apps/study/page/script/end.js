
  follow();
})();
