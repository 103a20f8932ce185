  // ---- what is folded away: open in the file; closed here, opened for print and for links into it ----
  var folds = all('details.more');
  function unfold(open) { folds.forEach(function (d) { d.open = open; }); }
  unfold(false);
  window.addEventListener('beforeprint', function () { unfold(true); });
  window.matchMedia('print').addEventListener('change', function (event) { if (event.matches) unfold(true); });

