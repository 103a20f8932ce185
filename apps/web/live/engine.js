  // ---- the module: in a worker where the page may make one, else here, a short call at a time ----
  // These two functions are the worker's source, too: they use nothing from outside.
  function engine(bytes) {
    return WebAssembly.compile(bytes).then(function (module) {
      var imports = {}; // of the C library's: output, which nothing here uses
      WebAssembly.Module.imports(module).forEach(function (i) {
        imports[i.module] = imports[i.module] || {};
        imports[i.module][i.name] = function () { return 52; };
      });
      return WebAssembly.instantiate(module, imports);
    }).then(function (instance) {
      var lib = instance.exports;
      var floats = { live_logits: 10, live_image: 256, live_batch: 64 * 256 };
      lib._initialize();
      function result(call) {
        var name = call[0], value = lib[name].apply(null, call.slice(1));
        if ((floats[name] || name === 'live_read' || name === 'live_new') && value === 0) throw new Error(name + ': out of memory');
        if (floats[name]) return new Float32Array(lib.memory.buffer, value, floats[name]).slice();
        return name === 'live_read' ? new Uint8Array(lib.memory.buffer, value, 64).slice() : value;
      }
      return function (calls) { return calls.map(result); };
    });
  }

  function serve(engine) {
    var run;
    onmessage = function (event) {
      var id = event.data.id;
      function failed(error) { postMessage({ id: id, failed: String(error) }); }
      if (event.data.bytes) {
        engine(event.data.bytes).then(function (ready) {
          run = ready;
          postMessage({ id: id });
        }, failed);
        return;
      }
      try {
        postMessage({ id: id, results: run(event.data.calls) });
      } catch (error) {
        failed(error);
      }
    };
  }

  function unpack() {
    var text = atob(one('#live-module').textContent), packed = new Uint8Array(text.length);
    for (var i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
    var stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Response(stream).arrayBuffer();
  }

  function inWorker(bytes) {
    var url = URL.createObjectURL(new Blob(['(' + serve + ')(' + engine + ')'], { type: 'text/javascript' }));
    var worker = new Worker(url), waiting = {}, last = 0;
    function send(message) {
      message.id = ++last;
      return new Promise(function (resolve, reject) {
        waiting[message.id] = { resolve: resolve, reject: reject };
        worker.postMessage(message);
      });
    }
    worker.onmessage = function (event) {
      var m = event.data, who = waiting[m.id];
      delete waiting[m.id];
      if (m.failed) who.reject(new Error(m.failed));
      else who.resolve(m.results);
    };
    worker.onerror = function (event) {
      event.preventDefault();
      Object.keys(waiting).forEach(function (id) { waiting[id].reject(new Error(event.message || 'no worker')); });
    };
    return send({ bytes: bytes }).then(function () {
      URL.revokeObjectURL(url);
      return function (calls) { return send({ calls: calls }); };
    });
  }

  function here(bytes) {
    return engine(bytes).then(function (run) {
      return function (calls) {
        return new Promise(function (resolve) { setTimeout(resolve); }).then(function () { return run(calls); });
      };
    });
  }

  var started = null;
  function start() {
    return unpack().then(function (bytes) {
      return Promise.resolve(bytes).then(inWorker).then(function (run) {
        one('#live').dataset.engine = 'worker';
        return run;
      }, function () {
        one('#live').dataset.engine = 'page';
        return here(bytes);
      });
    });
  }
  // Results of calls of the module's functions, each an array: name, arguments.
  function ask(calls) {
    started = started || start();
    return started.then(function (run) { return run(calls); }).catch(function (error) {
      if (!one('#live-failed')) {
        var p = add(null, 'p', 'problem', 'The laboratory cannot run in this browser: ' + error.message);
        p.id = 'live-failed';
        one('#live-bits').after(p);
      }
      throw error;
    });
  }

