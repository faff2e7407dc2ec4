// What the pages add where there is JavaScript. Every form works without it.
(() => {
  'use strict';

  const root = document.documentElement;
  root.classList.add('js');

  const words = (name) => document.body.dataset[name] ?? '';
  const byId = (id) => (id ? document.getElementById(id) : null);

  // A button in flight is disabled and says so; a second submit of the same form is dropped.

  const busy = new Map();

  function hold(form, submitter) {
    const button = submitter ?? form.querySelector('[type=submit]');
    const label = button?.querySelector('.words');
    const held = { button, label, text: label?.textContent, form };
    busy.set(form, held);
    // After this turn, so that the form is still sent with its button.
    setTimeout(() => {
      if (!button || busy.get(form) !== held) return;
      button.disabled = true;
      button.setAttribute('aria-busy', 'true');
      if (label) label.textContent = words('busy');
    });
  }

  function release(form) {
    const held = busy.get(form);
    if (!held) return;
    busy.delete(form);
    if (!held.button) return;
    held.button.disabled = false;
    held.button.removeAttribute('aria-busy');
    if (held.label) held.label.textContent = held.text;
  }

  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (busy.has(form)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    takeBackNoAnswer();
    lastPressed = event.submitter?.id ?? document.activeElement?.id ?? '';
    hold(form, event.submitter);
  }, true);

  window.addEventListener('pageshow', (event) => {
    if (event.persisted) for (const form of [...busy.keys()]) release(form);
  });

  // Swaps: what the answer says, and where the focus goes.

  let lastPressed = '';

  function takeBackNoAnswer() {
    for (const line of document.querySelectorAll('[data-no-answer]')) if (line !== document.body) line.remove();
  }

  function sayNoAnswer(form) {
    takeBackNoAnswer();
    if (form.matches('[data-save-on-change]')) form.reset();
    const line = document.createElement('p');
    line.className = 'message problem';
    line.setAttribute('role', 'alert');
    line.dataset.noAnswer = '';
    line.textContent = words('noAnswer');
    // A form beside others in a row of buttons has no room for a sentence.
    const row = form.closest('.actions');
    if (row) row.after(line);
    else form.append(line);
  }

  document.addEventListener('htmx:error', (event) => {
    const form = event.detail.ctx?.sourceElement;
    if (form?.isConnected && form.matches('form')) sayNoAnswer(form);
  });

  document.addEventListener('htmx:before:swap', (event) => {
    const { ctx, tasks } = event.detail;
    const raw = ctx.response?.raw;
    const main = tasks.findIndex((task) => task.type === 'main');
    const hasMain = main >= 0 && tasks[main].fragment.childElementCount > 0;
    const hasOthers = tasks.some((task) => task.type !== 'main');
    if (raw && raw.status < 500 && (hasMain || hasOthers)) {
      // An answer without the form's own section leaves that section, and what was typed in it.
      if (!hasMain && main >= 0) tasks.splice(main, 1);
      return;
    }
    event.preventDefault();
    if (raw?.redirected && raw.status < 500) location.assign(raw.url);
    else sayNoAnswer(ctx.sourceElement);
  });

  document.addEventListener('htmx:finally:request', (event) => {
    const form = event.detail.ctx?.sourceElement;
    for (const held of [...busy.keys()]) if (held === form || !held.isConnected) release(held);
    prepare();
    keepFocus();
  });

  function keepFocus() {
    const said = document.querySelector('#dialog-slot dialog') ? null : newest('[role=status]');
    if (said) byId('announcer').textContent = said.textContent;
    const bad = document.querySelector('dialog[open] [aria-invalid=true]');
    if (bad) bad.focus();
    const here = document.activeElement;
    if (here && here !== document.body && here.isConnected) return;
    const pressed = byId(lastPressed);
    if (pressed && !pressed.disabled && !pressed.closest('[hidden]')) pressed.focus();
    else sectionTitle()?.focus();
  }

  const told = new WeakSet();
  function newest(selector) {
    const fresh = [...document.querySelectorAll(selector)].filter((line) => !told.has(line));
    for (const line of fresh) told.add(line);
    return fresh.pop() ?? null;
  }

  function sectionTitle() {
    const section = ['two-factor', 'advanced', 'flespi', 'sessions'].find((name) => lastPressed.startsWith(name));
    return byId(`${section ?? 'authorization'}-title`);
  }

  // The dialog of a stale sign-in: modal here, a plain box on the page without JavaScript.

  function openDialog() {
    const dialog = document.querySelector('#dialog-slot dialog');
    if (!dialog || dialog.matches(':modal')) return;
    dialog.close();
    dialog.showModal();
    const field = dialog.querySelector('[aria-invalid=true], [autofocus]');
    field?.focus();
  }

  document.addEventListener('close', (event) => {
    if (!event.target.matches?.('#dialog-slot dialog') || event.target.open) return;
    event.target.remove();
    keepFocus();
  }, true);

  // "Send again" is disabled until its time, which runs by the server's clock.

  const deadlines = new WeakMap();
  let ticking = 0;

  function tick() {
    let waiting = 0;
    for (const line of document.querySelectorAll('[data-countdown]')) {
      const button = byId(line.dataset.button);
      const left = Math.ceil((deadlines.get(line) - performance.now()) / 1000);
      if (left > 0) {
        const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
        line.textContent = line.dataset.words.replace('{time}', clock);
        if (button) button.disabled = true;
        waiting += 1;
      } else {
        if (button && !button.hasAttribute('aria-busy')) button.disabled = false;
        line.remove();
        button?.removeAttribute('aria-describedby');
      }
    }
    if (!waiting) {
      clearInterval(ticking);
      ticking = 0;
    }
  }

  function startCountdowns() {
    for (const line of document.querySelectorAll('[data-countdown]')) {
      if (deadlines.has(line)) continue;
      const wait = Date.parse(line.dataset.resendAt) - Date.parse(line.dataset.serverNow);
      deadlines.set(line, performance.now() + (Number.isFinite(wait) ? wait : 0));
    }
    tick();
    if (!ticking && document.querySelector('[data-countdown]')) ticking = setInterval(tick, 1000);
  }

  // What came of the message with a code is asked for a few times, until it is known.

  const awaited = new WeakSet();
  const pauses = [1, 2, 3, 5, 8, 13, 21];

  function awaitDeliveries() {
    for (const line of document.querySelectorAll('[data-delivery]')) {
      if (awaited.has(line)) continue;
      awaited.add(line);
      askDelivery(line, 0);
    }
  }

  function askDelivery(line, turn) {
    if (turn >= pauses.length) return;
    setTimeout(async () => {
      if (!line.isConnected) return;
      const body = new URLSearchParams({ challenge: line.querySelector('[name=challenge]').value });
      const answer = await fetch(line.dataset.delivery, { method: 'POST', body }).catch(() => null);
      if (!answer || answer.status === 202) askDelivery(line, turn + 1);
      else if (answer.status === 200) sayDelivery(line, await answer.text());
    }, pauses[turn] * 1000);
  }

  function sayDelivery(line, html) {
    const field = line.querySelector('[data-code]');
    if (!line.isConnected || !field || byId(line.dataset.problem)) return;
    const said = document.createRange().createContextualFragment(html).firstElementChild;
    said.id = line.dataset.problem;
    field.form.append(said);
    field.setAttribute('aria-describedby', `${field.getAttribute('aria-describedby')} ${said.id}`);
  }

  // Choosing a method shows its panel and changes nothing.

  function showMethod(select) {
    for (const panel of select.closest('section').querySelectorAll('[data-panel]')) {
      panel.hidden = panel.dataset.panel !== select.value;
    }
  }

  // A status leaves when its control changes, an error of the field when the field does not hold it any more.

  function changed(event) {
    const field = event.target;
    if (field.matches('[data-code]')) {
      const plain = field.value.replace(/\s+/g, '');
      if (plain !== field.value) field.value = plain;
    }
    for (const line of field.closest('[data-control]')?.querySelectorAll('[role=status]') ?? []) line.remove();
  }

  document.addEventListener('input', changed);
  document.addEventListener('change', (event) => {
    changed(event);
    if (event.target.matches('[data-method]')) showMethod(event.target);
    event.target.closest('[data-save-on-change]')?.requestSubmit();
  });

  document.addEventListener('click', (event) => {
    const on = (selector) => event.target.closest?.(selector);
    const reveal = on('[data-reveal]');
    if (reveal) {
      const field = byId(reveal.dataset.reveal);
      const shown = field.type === 'text';
      field.type = shown ? 'password' : 'text';
      reveal.setAttribute('aria-pressed', String(!shown));
      reveal.textContent = words(shown ? 'show' : 'hide');
      return;
    }
    if (on('[data-dialog-cancel]')) {
      event.preventDefault();
      document.querySelector('#dialog-slot dialog')?.close();
      return;
    }
    const cancel = on('[data-method-cancel]');
    if (cancel) {
      event.preventDefault();
      const select = cancel.closest('section').querySelector('[data-method]');
      select.value = select.dataset.stored;
      showMethod(select);
      select.focus();
      return;
    }
    const to = on('[data-focus]');
    if (to) {
      event.preventDefault();
      byId(to.dataset.focus)?.focus();
    }
  });

  function prepare() {
    startCountdowns();
    awaitDeliveries();
    openDialog();
  }

  document.addEventListener('DOMContentLoaded', () => {
    newest('[role=status]');
    prepare();
  });
})();
