/* What a person notes while the network is gone: kept on the device, sealed, sent in order when it is back (ADR 32).
   Sealed under a key that the server tells this membership only, held by the browser so that no script can read it, and
   forgotten at sign-out and when somebody else acts. Passwords and signatures are never kept. */
window.cgtOffline = (() => {
  "use strict";

  const SESSION = "/offline/session/";
  const ENTRIES = "/api/v1/offline-entries";
  const SECRET = /^(signature|verifiers)([.[]|$)|password/;
  const OF_THE_PAGE = new Set(["csrfmiddlewaretoken", "once", "version", "acting", "step", "offline_entry"]);
  const LOOK = 4000; // ms until a server that does not answer counts as away
  const AGAIN = 10000; // ms between two tries
  const changed = () => document.dispatchEvent(new CustomEvent("cgt:offline"));

  /* ---- the device's store: one for what is known of who acts, one for what is sealed ---- */
  const asked = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  let opened = null;
  const database = () =>
    (opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("cgt-offline", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("known");
        request.result.createObjectStore("entries", { keyPath: "key" }).createIndex("membership", "membership");
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    }));
  const store = async (name, mode = "readonly") => (await database()).transaction(name, mode).objectStore(name);
  const known = async (name) => asked((await store("known")).get(name));
  const know = async (name, value) => asked((await store("known", "readwrite")).put(value, name));

  /** Forget the key and what was loaded for whoever acted; sealed entries stay until their person is back. */
  const forget = async () => {
    await asked((await store("known", "readwrite")).clear());
    changed();
  };

  const seal = async (content) => {
    const [secret, membership] = [await known("seal"), await known("membership")];
    if (!secret) throw new Error("nobody");
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    const parameters = { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(membership) };
    const sealed = await crypto.subtle.encrypt(parameters, secret, new TextEncoder().encode(JSON.stringify(content)));
    return { membership, nonce, sealed };
  };
  const unseal = async ({ membership, nonce, sealed }) => {
    const parameters = { name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(membership) };
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(parameters, await known("seal"), sealed)));
  };

  /* ---- who acts, and what they may need: asked while the network is there ---- */
  /** Return the session's words; null where nobody is signed in; undefined where the server is away. */
  const session = async () => {
    let answer;
    try {
      answer = await fetch(SESSION, { redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(LOOK * 2) });
    } catch {
      return undefined;
    }
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      await forget();
      return null;
    }
    if (!answer.ok) return undefined;
    const told = await answer.json();
    if ((await known("membership")) !== told.membership) await forget();
    const bytes = Uint8Array.from(atob(told.seal), (letter) => letter.charCodeAt(0));
    await know("seal", await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]));
    await know("membership", told.membership);
    await know("who", told.who);
    await know("sheets", await seal({ sheets: told.sheets, forms: told.forms }));
    return told;
  };

  const reachable = async () => {
    if (!navigator.onLine) return false;
    try {
      return (await fetch("/healthz", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(LOOK) })).status < 500;
    } catch {
      return false;
    }
  };

  /** Return the steps at hand as they were when the network was there: ``{sheets, forms}``. */
  const sheets = async () => {
    const kept = await known("sheets");
    return kept && (await known("seal")) ? unseal(kept) : { sheets: [], forms: {} };
  };

  /* ---- entries ---- */
  const nested = (pairs) => {
    const inputs = {};
    for (const [name, value] of pairs) {
      if (OF_THE_PAGE.has(name) || SECRET.test(name) || typeof value !== "string") continue;
      const row = /^([a-z_]+)\[(\d+)\](\w+)$/.exec(name);
      if (row) ((inputs[row[1]] ??= [])[Number(row[2])] ??= {})[row[3]] = value;
      else if (value !== "") inputs[name] = value;
    }
    for (const [name, value] of Object.entries(inputs)) {
      if (Array.isArray(value)) inputs[name] = value.filter((row) => row && Object.values(row).some((text) => text.trim()));
    }
    return inputs;
  };

  /** Keep an entry; one with the same key is corrected. ``about``: key, order, step, title, and perhaps device_time. */
  const keep = async (about, form) => {
    const entry = { device_time: new Date().toISOString(), ...about, inputs: nested(new FormData(form)), state: "waiting", words: "" };
    await put(entry);
    return entry;
  };
  const put = async (entry) => {
    const closed = await seal(entry);
    await asked((await store("entries", "readwrite")).put({ key: entry.key, at: entry.device_time, ...closed }));
    changed();
  };
  const drop = async (key) => {
    await asked((await store("entries", "readwrite")).delete(key));
    changed();
  };
  const rows = async () => asked((await store("entries")).getAll());
  /** Return the own entries in the order in which they were made. */
  const entries = async () => {
    const [membership, secret] = [await known("membership"), await known("seal")];
    if (!secret) return [];
    const own = (await rows()).filter((row) => row.membership === membership).sort((one, other) => (one.at < other.at ? -1 : 1));
    return Promise.all(own.map(unseal));
  };
  /** How many entries wait: the own, and those of others, of which nothing more is known here. */
  const counts = async () => {
    const membership = await known("membership");
    const all = await rows();
    const own = all.filter((row) => row.membership === membership).length;
    return { own, others: all.length - own };
  };

  /* ---- sending: one tab at a time, one entry after the other, each until the server has said what it is ---- */
  const words = (problem) =>
    [problem.detail, ...(problem.facts ?? []).map((fact) => fact.text), ...Object.values(problem.fields ?? {}).flat().filter((text) => typeof text === "string"), problem.remedy]
      .filter((text, position, all) => text && all.indexOf(text) === position)
      .join(" ");

  const post = (address, token, body, headers = {}) =>
    fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token, ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(30000),
    });

  const sendOne = async (entry, token) => {
    const { key, order, step, inputs, device_time } = entry;
    const answer = await post(ENTRIES, token, { key, order, step, inputs, device_time, sent_at: new Date().toISOString() });
    if (answer.ok) {
      await drop(key);
      return true;
    }
    if (answer.status === 401 || answer.status === 429 || answer.status >= 500) return false;
    const problem = await answer.json().catch(() => ({ detail: "The server did not take it." }));
    await put({ ...entry, state: "refused", words: words(problem) });
    return true;
  };

  let told = null;
  const send = async () =>
    navigator.locks.request("cgt-offline-send", { ifAvailable: true }, async (lock) => {
      if (!lock || !(await reachable())) return false;
      const now = (told = await session());
      if (!now) return false;
      for (const entry of await entries()) {
        if (entry.state === "refused") continue; // until it is corrected
        try {
          if (!(await sendOne(entry, now.token))) return false;
        } catch {
          return false; // the network went again: the rest stays in its order
        }
      }
      return true;
    });

  /** Discard an entry with a reason; what never reached the server is told to it too. */
  const discard = async (entry, reason) => {
    const now = told ?? (await session());
    if (!now) return "Discard it when the network is back: the reason goes on the record.";
    const { key, order, step } = entry;
    const answer = await post(`${ENTRIES}/${key}/discard`, now.token, { reason, order, step }, { "Idempotency-Key": crypto.randomUUID() });
    if (!answer.ok) return words(await answer.json().catch(() => ({ detail: "The server did not take it." })));
    await drop(key);
    return "";
  };
  const received = async () => {
    const answer = await fetch(ENTRIES, { cache: "no-store", signal: AbortSignal.timeout(LOOK * 2) });
    return answer.ok ? (await answer.json()).results : null;
  };

  /* ---- on every page: the strip, forms, sign-out ---- */
  const made = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const strip = async (away) => {
    if (document.querySelector("[data-offline-shell]")) return;
    const { own } = await counts();
    let shown = document.getElementById("cgt-offline");
    if (!away && !own) return shown?.remove();
    if (!shown) {
      shown = made("p", { id: "cgt-offline", className: "cgt-panel tone-warn" });
      shown.setAttribute("role", "status");
      document.getElementById("main")?.prepend(shown);
    }
    const waiting = own ? `${own} ${own === 1 ? "entry waits" : "entries wait"} on this device.` : "";
    const link = made("a", { href: "/offline/", textContent: "Show what waits" });
    shown.replaceChildren(made("span", { textContent: `${away ? "No network. " : ""}${waiting} ` }), link);
  };

  const PAPER =
    "No network: this device does not know the current release and quarantine status. Nothing is issued, thawed or infused on what it shows. ";
  const KEPT = "No network. What you enter is kept on this device and sent when the network is back. Nobody signs now: passwords are never kept on a device.";

  const prepare = (away) =>
    document.querySelectorAll("form[data-without-network]").forEach((form) => {
      const paper = form.dataset.withoutNetwork === "paper";
      let note = form.querySelector("[data-offline-note]");
      if (away && !note) {
        note = made("div", { className: `cgt-panel ${paper ? "tone-bad" : "tone-warn"}` }, made("p", { textContent: paper ? PAPER : KEPT }));
        if (paper) note.firstChild.append(made("a", { href: "/offline/#offline-paper", textContent: "The paper procedure, for two people" }));
        note.dataset.offlineNote = "";
        note.setAttribute("role", "status");
        form.prepend(note);
      } else if (!away) note?.remove();
      for (const field of form.elements) {
        const held = paper ? field.type !== "hidden" : SECRET.test(field.name ?? "");
        if (away && held && !field.disabled) {
          field.disabled = true;
          field.dataset.away = "";
        } else if (!away && field.dataset.away !== undefined) {
          delete field.dataset.away;
          field.disabled = false;
        }
      }
    });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.withoutNetwork === undefined || form.dataset.there !== undefined) {
      delete form.dataset.there;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    reachable().then(async (there) => {
      if (there) {
        form.dataset.there = "";
        form.requestSubmit(submitter);
        return;
      }
      await look();
      if (form.dataset.withoutNetwork === "paper") return form.querySelector("[data-offline-note] a")?.focus();
      const { order, step, title } = form.dataset;
      const panel = made("div", { className: "cgt-panel tone-good", tabIndex: -1 });
      try {
        const entry = await keep({ key: form.elements.once.value, order, step, title }, form);
        const at = new Date(entry.device_time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
        panel.append(made("p", { textContent: `Kept on this device at ${at}. It is sent when the network is back. ` }, made("a", { href: "/offline/", textContent: "Show what waits" })));
        panel.dataset.kept = "";
      } catch {
        panel.className = "cgt-panel tone-bad";
        panel.append(made("p", { textContent: "This device could not keep it. Write it on paper, and record it when the network is back." }));
        return form.prepend(panel);
      }
      form.replaceWith(panel);
      panel.focus();
    });
  }, true);

  /* ---- sign-out, or acting as somebody else, with something unsent: say so first ---- */
  const LEAVES = /^\/(accounts\/logout|personas\/switch)\/$/;
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const address = new URL(form.action || location.href, location.href).pathname;
    if (!LEAVES.test(address) || form.method !== "post" || form.dataset.leaves !== undefined) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    const leave = () => {
      form.dataset.leaves = "";
      form.requestSubmit(submitter);
    };
    counts().catch(() => ({ own: 0 })).then(({ own }) => (own ? warn(own, leave) : leave()));
  }, true);

  const warn = (own, leave) => {
    const title = made("h2", { id: "cgt-unsent", textContent: `${own} ${own === 1 ? "entry is" : "entries are"} not sent yet` });
    const text = made("p", { textContent: "They stay on this device, sealed, until you act here again in the same persona. Nobody else can read or send them." });
    const [stay, go] = [made("a", { className: "btn", href: "/offline/", textContent: "Show what waits" }), made("button", { type: "button", className: "btn btn-danger", textContent: "Leave all the same" })];
    const dialog = made("dialog", { className: "cgt-camera" }, title, text, made("div", { className: "cgt-row" }, stay, go));
    dialog.setAttribute("aria-labelledby", title.id);
    dialog.addEventListener("close", () => dialog.remove());
    go.addEventListener("click", () => (dialog.close(), leave()));
    document.body.append(dialog);
    dialog.showModal();
  };

  let away = false;
  const look = async () => {
    away = !(await reachable());
    prepare(away); // first, and whatever the device's store does: nothing is infused on what a page without network shows
    await strip(away).catch(() => {});
    return !away;
  };
  const round = async () => {
    if ((await look()) && (await counts()).own) await send();
    await strip(away);
  };

  document.addEventListener("DOMContentLoaded", async () => {
    if (!window.indexedDB || !window.isSecureContext) return;
    const acting = document.querySelector('meta[name="acting"]')?.content;
    navigator.serviceWorker?.register("/worker.js").catch(() => {});
    if (acting === "") return forget();
    if (document.querySelector("[data-offline-shell]")) return; // that page sends by itself, and shows it
    window.addEventListener("online", round);
    window.addEventListener("offline", look);
    document.addEventListener("cgt:offline", () => strip(away));
    document.addEventListener("htmx:afterSettle", () => prepare(away));
    const depends = () => document.querySelector("form[data-without-network]") !== null; // a dead uplink makes no event
    setInterval(async () => (away || depends() || (await counts()).own) && round(), AGAIN);
    if (!acting) return;
    if ((await known("membership")) !== acting) await forget();
    if (location.pathname === "/" || !(await known("seal"))) await session();
    await round();
  });

  return { counts, discard, drop, entries, keep, known, look, made, put, received, send, session, sheets };
})();
