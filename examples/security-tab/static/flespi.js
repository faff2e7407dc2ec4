// The browser's side of a flespi login: opens the window, takes one message of it, and hands that to the server once.
// It keeps nothing, logs nothing, and ignores what comes from another window or another origin.
(() => {
  'use strict';

  let attempt = 0;

  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('[data-flespi-login]') || form.dataset.flespiPass) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    begin(form);
  }, true);

  function open(url) {
    return window.open(url, 'auth', 'popup,width=500,height=600');
  }

  function post(url, body) {
    const headers = { 'content-type': 'application/json' };
    return fetch(url, { method: 'POST', headers, body: body && JSON.stringify(body), redirect: 'error' });
  }

  async function begin(form) {
    const mine = ++attempt;
    // Before anything is waited for: a window that no press opened is blocked.
    let popup = open('about:blank');
    let handOff;
    try {
      const answer = await post(form.dataset.flespiHandOff);
      if (answer.status === 401 || answer.status === 403) {
        // The server's own page says what is missing, or asks who it is.
        popup?.close();
        form.dataset.flespiPass = 'on';
        form.requestSubmit();
        delete form.dataset.flespiPass;
        return;
      }
      if (!answer.ok) {
        popup?.close();
        await refused(answer);
        return;
      }
      handOff = await answer.json();
    } catch {
      popup?.close();
      say('unfinished');
      return;
    }
    if (mine !== attempt) return;
    if (popup && !popup.closed) popup.location = handOff.url;
    else popup = null;
    wait(form, mine, handOff, popup);
  }

  function wait(form, mine, handOff, popup) {
    let watch = 0;
    const origins = new Set(handOff.origins);

    function stop() {
      attempt += 1;
      clearInterval(watch);
      window.removeEventListener('message', take);
    }

    function give(words) {
      stop();
      say(words);
    }

    async function take(event) {
      if (!popup || event.source !== popup || !origins.has(event.origin) || typeof event.data !== 'string') return;
      if (mine !== attempt) return;
      stop();
      try {
        const url = `${form.dataset.flespiHandOff}/${encodeURIComponent(handOff.nonce)}`;
        const answer = await post(url, { message: event.data });
        popup.close();
        if (!answer.ok) {
          await refused(answer);
          return;
        }
        const page = form.dataset.flespiPage;
        if (location.pathname + location.search === page) location.reload();
        else location.assign(page);
      } catch {
        say('unfinished');
      }
    }

    function opened(other) {
      popup = other;
      say('finish', button('cancel', () => {
        popup?.close();
        give('unfinished');
      }));
      watch = setInterval(() => {
        if (popup.closed) give('unfinished');
      }, 500);
    }

    window.addEventListener('message', take);
    if (popup) {
      opened(popup);
      return;
    }
    const link = document.createElement('a');
    link.href = handOff.url;
    link.id = 'flespi-open';
    link.textContent = words('open');
    link.addEventListener('click', (event) => {
      event.preventDefault();
      const other = open(handOff.url);
      if (other) opened(other);
    });
    say('blocked', link);
  }

  // Says what the server said: in the words of the page where it has some for the code, else by the title.
  async function refused(answer) {
    let problem = {};
    try {
      problem = await answer.json();
    } catch {
      // What is no answer of ours says nothing.
    }
    const known = /^[a-z_]+$/.test(problem.code) && place()?.getAttribute(`data-code-${problem.code}`);
    const line = document.createElement('p');
    line.className = 'message problem';
    line.id = 'flespi-window-problem';
    line.setAttribute('role', 'alert');
    line.textContent = known || String(problem.title ?? '');
    say('unfinished', line.textContent && line);
  }

  function place() {
    return document.getElementById('flespi-window');
  }

  function words(name) {
    return place()?.dataset[name] ?? '';
  }

  function button(name, press) {
    const made = document.createElement('button');
    made.type = 'button';
    made.className = 'secondary';
    made.id = `flespi-window-${name}`;
    made.textContent = words(name);
    made.addEventListener('click', press);
    return made;
  }

  function say(name, control) {
    const line = document.createElement('p');
    line.className = 'help';
    line.setAttribute('role', 'status');
    line.textContent = words(name);
    place()?.replaceChildren(...[line, control].filter(Boolean));
  }
})();
