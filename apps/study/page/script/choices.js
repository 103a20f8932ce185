
  // ---- choices: predictions and the quiz ----
  var right = 0, answered = 0, questions = all('.quiz-item');

  function score() {
    one('#score').hidden = answered === 0;
    one('#score').textContent = right + ' right of ' + answered + ', ' + (questions.length - answered) + ' to go';
  }

  // Marks the choice and brings out the reason. `chosen` is null when only the answer is wanted.
  function settle(box, chosen) {
    if (!box.classList.contains('waiting')) return;
    var known = one('.choices > .right', box), good = chosen && chosen.parentNode === known;
    box.classList.remove('waiting');
    all('.choices button', box).forEach(function (b) {
      var correct = b.parentNode === known;
      b.setAttribute('aria-disabled', 'true');
      if (correct) b.classList.add('good');
      else if (b === chosen && known) b.classList.add('bad');
      if (correct) b.textContent = '\u2713 ' + b.textContent;
      else if (b === chosen && known) b.textContent = '\u2717 ' + b.textContent;
    });
    if (chosen) chosen.setAttribute('aria-pressed', 'true');
    if (chosen) one('.result', box).textContent = !known ? 'See what came out.' : good ? 'Right.' : 'Not quite.';
    if (box.classList.contains('predict')) {
      open(box.closest('.card'), true);
      return;
    }
    answered++;
    if (good) right++;
    score();
  }

  function enliven(box) {
    all('.choices > li', box).forEach(function (li) {
      var b = button('pill', one('span', li).textContent);
      b.setAttribute('aria-pressed', 'false');
      b.addEventListener('click', function () { settle(box, b); });
      li.replaceChild(b, one('span', li));
    });
    var result = make('p', 'result');
    result.setAttribute('role', 'status');
    one('.choices', box).after(result);
    box.classList.add('live', 'waiting');
  }

  function reset(box) {
    box.classList.add('waiting');
    one('.result', box).textContent = '';
    all('.choices button', box).forEach(function (b) {
      b.textContent = b.textContent.replace(/^[\u2713\u2717] /, '');
      b.className = 'pill';
      b.setAttribute('aria-pressed', 'false');
      b.removeAttribute('aria-disabled');
    });
  }

  all('.predict, .quiz-item').forEach(enliven);
  one('.quiz-tools').hidden = false;
  one('#quiz-show').addEventListener('click', function () { questions.forEach(function (q) { settle(q, null); }); });
  one('#quiz-again').addEventListener('click', function () {
    right = answered = 0;
    questions.forEach(reset);
    score();
  });
