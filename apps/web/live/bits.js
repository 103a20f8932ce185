  // ---- the same bits as the program's ----
  whenSeen(one('#live'), function () {
    var text = one('#live-hashes').textContent, said = one('#live-bits output'), count = text.length / 8, equal = 0;
    function some(from) {
      var calls = [];
      for (var i = from; i < Math.min(count, from + 25); i++) calls.push(['live_bits', i]);
      return ask(calls).then(function (found) {
        found.forEach(function (hash, k) { equal += hash >>> 0 === parseInt(text.substr(8 * (from + k), 8), 16); });
        if (from + 25 < count) return frame().then(function () { return some(from + 25); });
        said.textContent = 'Compared in this browser just now: ' + equal.toLocaleString('en') + ' of ' +
          count.toLocaleString('en') + ' equal.';
        return said;
      });
    }
    some(0).catch(function () {});
  });

