/* What a person notes while the network is gone: kept on the device, sealed, sent in order when it is back (ADR 32).
   Sealed under a key that the server tells this membership only, held by the browser so that no script can read it, and
   forgotten at sign-out and when somebody else acts. Passwords and signatures are never kept. */
window.cgtOffline = (() => {
  "use strict";

  const SESSION = "/offline/session/";
  const ENTRIES = "/api/v1/offline-entries";
  const SECRET = /^(signature|verifiers)([.[]|$)|password/;
  const OF_THE_PAGE = new Set(["csrfmiddlewaretoken", "once", "version", "acting", "step", "offline_entry", "photo"]);
  const LOOK = 4000; // ms until a server that does not answer counts as away
  const AGAIN = 5000; // ms between two tries
  const GOOD_FOR = 600000; // ms until any page asks anew for the steps at hand
  const channel = window.BroadcastChannel ? new BroadcastChannel("cgt-offline") : null; // the other tabs
  const told = () => document.dispatchEvent(new CustomEvent("cgt:offline"));
  const changed = () => (told(), channel?.postMessage("changed"));
  channel?.addEventListener("message", told);

  /** One run after the other; what is asked for while one waits its turn is that one. */
  const inTurn = (act) => {
    let [last, next] = [Promise.resolve(), null];
    return () => (next ??= last = last.then(() => ((next = null), act())).catch(() => undefined));
  };

  /* ---- the device's store: who acts and what is known of it, and what is sealed ---- */
  let opened = null; // the connection; thrown away when it fails or is closed under us, so that the next act opens another
  const open = () =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open("cgt-offline", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore("known");
        request.result.createObjectStore("entries", { keyPath: "key" }).createIndex("membership", "membership");
      };
      request.onsuccess = () => {
        const base = request.result;
        base.onclose = () => (opened = null);
        base.onversionchange = () => ((opened = null), base.close());
        resolve(base);
      };
      request.onerror = () => reject(request.error);
    });
  const database = () => {
    const mine = (opened ??= open());
    mine.catch(() => opened === mine && (opened = null));
    return mine;
  };
  const CLOSED = new Set(["InvalidStateError", "AbortError", "UnknownError"]);

  /** Run ``act`` with the named stores in one transaction; resolve to its requests' results once that is committed. */
  const within = async (names, mode, act, again = true) => {
    try {
      const base = await database();
      return await new Promise((resolve, reject) => {
        const transaction = base.transaction(names, mode, { durability: "strict" });
        let requests = [];
        transaction.oncomplete = () => resolve(requests.map((request) => request.result));
        transaction.onabort = () => reject(transaction.error ?? new DOMException("The store was closed.", "AbortError"));
        requests = act(...names.map((name) => transaction.objectStore(name))) ?? [];
      });
    } catch (error) {
      if (!again || !CLOSED.has(error?.name)) throw error;
      opened = null; // the connection was closed under us: nothing of it was kept, so it is done once more on another
      return within(names, mode, act, false);
    }
  };
  const known = async (name) => (await within(["known"], "readonly", (store) => [store.get(name)]))[0];

  /** Forget the key and what was loaded, unless it is this membership's; sealed entries stay until theirs is back. */
  const forget = async (unless) => {
    await within(["known"], "readwrite", (store) => {
      const [acting, turn] = [store.get("acting"), store.get("turn")];
      turn.onsuccess = () => {
        if (unless && acting.result?.membership === unless) return;
        store.clear();
        store.put((turn.result ?? 0) + 1, "turn"); // an answer that was asked for before is not kept after
      };
      return [];
    });
    changed();
  };

  const bound = (membership, nonce) => ({ name: "AES-GCM", iv: nonce, additionalData: new TextEncoder().encode(membership) });
  /** Seal for whoever acts: ``{membership, seal}``, read at once, so that nobody's content gets under another's key. */
  const seal = async ({ membership, seal: secret }, content) => {
    const nonce = crypto.getRandomValues(new Uint8Array(12));
    const sealed = await crypto.subtle.encrypt(bound(membership, nonce), secret, new TextEncoder().encode(JSON.stringify(content)));
    return { membership, nonce, sealed };
  };
  const unseal = async ({ seal: secret }, { membership, nonce, sealed }) =>
    JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(bound(membership, nonce), secret, sealed)));

  /* ---- who acts, and what they may need: asked while the network is there ---- */
  /** Return the session's words; null where nobody is signed in; undefined where the server is away. */
  const session = async () => {
    const turn = (await known("turn")) ?? 0;
    let [answer, said] = [null, null];
    try {
      answer = await fetch(SESSION, { redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(LOOK * 3) });
      if (answer.ok) said = await answer.json();
    } catch {
      return undefined;
    }
    if (answer.type === "opaqueredirect" || answer.status === 401) {
      await forget();
      return null;
    }
    if (answer.status === 403) return null; // whoever acts has no orders
    if (!said) return undefined;
    const bytes = Uint8Array.from(atob(said.seal), (letter) => letter.charCodeAt(0));
    const secret = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
    const acting = { membership: said.membership, seal: secret, who: said.who, at: Date.now() };
    const sheets = await seal(acting, { sheets: said.sheets, forms: said.forms });
    let stands = true;
    await within(["known"], "readwrite", (store) => {
      const now = store.get("turn");
      now.onsuccess = () => {
        stands = (now.result ?? 0) === turn;
        if (!stands) return; // signed out, or acting as somebody else, while this was on its way
        store.put(acting, "acting");
        store.put(sheets, "sheets");
      };
      return [];
    });
    if (!stands) return undefined;
    return said;
  };

  const reachable = async () => {
    if (!navigator.onLine) return false;
    try {
      const answer = await fetch("/healthz", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(LOOK) });
      return navigator.onLine && answer.status < 500; // it may have gone while the answer came
    } catch {
      return false;
    }
  };

  /** Return the steps at hand as they were when the network was there: ``{sheets, forms}``. */
  const sheets = async () => {
    const [acting, kept] = await within(["known"], "readonly", (store) => [store.get("acting"), store.get("sheets")]);
    return acting && kept ? unseal(acting, kept) : { sheets: [], forms: {} };
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

  const ofThePage = () => document.querySelector('meta[name="acting"]')?.content;
  const nobody = () => new Error("This device does not know who acts.");
  const actingNow = async () => {
    const acting = await known("acting");
    if (!acting || (ofThePage() ?? acting.membership) !== acting.membership) throw nobody();
    return acting;
  };
  const rowOf = async (acting, { rev, ...entry }) => ({ key: entry.key, at: entry.device_time, rev: crypto.randomUUID(), ...(await seal(acting, entry)) });

  /** Keep a new entry; one with the same key is corrected. ``about``: key, order, step, title, and perhaps device_time. */
  const keep = async (about, form, submitter = null) => {
    const acting = await actingNow();
    const entry = { device_time: new Date().toISOString(), ...about, inputs: nested(new FormData(form, submitter)), state: "waiting", words: "" };
    const row = await rowOf(acting, entry);
    await within(["entries"], "readwrite", (store) => [store.put(row)]);
    changed();
    return entry;
  };
  /** Put what became of an entry in its place, or take it away (null); return false where it is another one by now. */
  const replace = async (entry, then) => {
    const row = then && (await rowOf(await actingNow(), then));
    let stands = false;
    await within(["entries"], "readwrite", (store) => {
      const asked = store.get(entry.key);
      asked.onsuccess = () => {
        stands = asked.result !== undefined && asked.result.rev === entry.rev;
        if (stands && row) store.put(row);
        else if (stands) store.delete(entry.key);
      };
      return [];
    });
    changed();
    return stands;
  };
  /** Correct an entry that still waits; return false where it was sent (or discarded) meanwhile. Never while it is sent. */
  const correct = (entry, form) =>
    navigator.locks.request("cgt-offline-send", () => replace(entry, { ...entry, inputs: nested(new FormData(form)), state: "waiting", words: "" }));

  /** What is on the device, read at once: ``{entries, own, others}``; of others' nothing but how many is known here. */
  const standing = async () => {
    const [acting, rows] = await within(["known", "entries"], "readonly", (names, all) => [names.get("acting"), all.getAll()]);
    const own = acting ? rows.filter((row) => row.membership === acting.membership).sort((one, other) => (one.at < other.at ? -1 : 1)) : [];
    const read = (row) => unseal(acting, row).then((entry) => ({ ...entry, rev: row.rev })).catch(() => null);
    const opened = (await Promise.all(own.map(read))).filter(Boolean);
    return { entries: opened, own: opened.length, others: rows.length - opened.length };
  };
  /** Return the own entries in the order in which they were made. */
  const entries = async () => (await standing()).entries;
  const counts = async () => {
    const { own, others } = await standing();
    return { own, others };
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

  /** Send an entry, or that it was discarded; return false where the server cannot take it now. */
  const sendOne = async (entry, { token, membership }) => {
    const { key, order, step, act = "", inputs, device_time, reason, discarded_at } = entry;
    const discarding = entry.state === "discarding";
    const sent_at = new Date().toISOString();
    const answer = discarding
      ? await post(`${ENTRIES}/${key}/discard`, token, { reason, order, step, membership, discarded_at, sent_at })
      : await post(ENTRIES, token, { key, order, step, act, inputs, membership, device_time, sent_at });
    const said = await answer.json().catch(() => null);
    if (answer.status === 204 || (answer.ok && said?.key === key)) {
      await replace(entry, null);
      return true;
    }
    if (answer.ok || [401, 408, 425, 429].includes(answer.status) || answer.status >= 500 || said?.code === "other_membership") return false;
    const text = said ? words(said) : "The server did not take it.";
    await replace(entry, { ...entry, state: discarding ? "stands" : "refused", words: text });
    return true;
  };

  /** Send what waits, in order; say how it went: all ``sent``, ``later``, ``away``, ``nobody`` signed in, ``busy`` tab. */
  const sendAll = async (lock) => {
    if (!lock) return "busy";
    if (!(await reachable())) return "away";
    const now = await session();
    if (!now) return now === null ? "nobody" : "away";
    const tried = new Set();
    for (;;) {
      const entry = (await entries()).find(({ key, state }) => ["waiting", "discarding"].includes(state) && !tried.has(key));
      if (!entry) return "sent"; // what is refused waits until it is corrected
      tried.add(entry.key);
      try {
        if (!(await sendOne(entry, now))) return "later";
      } catch {
        return "away"; // the network went again: the rest stays in its order
      }
    }
  };
  let sending = null;
  const send = () => (sending ??= navigator.locks.request("cgt-offline-send", { ifAvailable: true }, sendAll).finally(() => (sending = null)));

  /** Discard an entry with a reason, without network too: the server is told when it is there. */
  const discard = async (entry, reason) => {
    const { key, order, step, act, title, device_time, inputs, rev } = entry;
    const discarded = { key, order, step, act, title, device_time, inputs, reason, state: "discarding", words: "", discarded_at: new Date().toISOString() };
    await navigator.locks.request("cgt-offline-send", async () => {
      if (rev) return replace(entry, discarded);
      const row = await rowOf(await actingNow(), discarded); // received by the server, and not on this device any more
      await within(["entries"], "readwrite", (store) => [store.put(row)]);
    });
    changed();
  };
  const resume = (entry) => replace(entry, { ...entry, state: "waiting", words: "", reason: "" });
  const putAway = (entry) => replace(entry, null);
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

  let away = false; // whether the network is not there, by the newest look

  const strip = async () => {
    if (document.querySelector("[data-offline-shell]")) return;
    const { own } = await counts();
    let shown = document.getElementById("cgt-offline");
    if (!away && !own) return shown?.remove();
    if (!shown) {
      shown = made("p", { id: "cgt-offline", className: "cgt-offline-strip cgt-panel tone-warn" });
      shown.setAttribute("role", "status");
      document.body.append(shown); // at the lower edge: nothing moves away under a finger
    }
    const waiting = own ? `${own} ${own === 1 ? "entry waits" : "entries wait"} on this device.` : "";
    const link = made("a", { href: "/offline/", textContent: "Show what waits" });
    shown.replaceChildren(made("span", { textContent: `${away ? "No network. " : ""}${waiting} ` }), link);
  };

  const PAPER =
    "No network: this device does not know the current release and quarantine status. Nothing is issued, thawed or infused on what it shows. ";
  const KEPT = "No network. What you enter is kept on this device and sent when the network is back. Nobody signs now: passwords are never kept on a device.";

  const NO_PHOTO = "A photo is not kept: add it when you sign, or afterwards on the page of the box.";

  const prepare = (away) =>
    document.querySelectorAll("form[data-without-network]").forEach((form) => {
      const paper = form.dataset.withoutNetwork === "paper";
      let note = form.querySelector("[data-offline-note]");
      if (away && !note) {
        note = made("div", { className: `cgt-panel ${paper ? "tone-bad" : "tone-warn"}` }, made("p", { textContent: paper ? PAPER : form.querySelector("[type=file]") ? `${KEPT} ${NO_PHOTO}` : KEPT }));
        if (paper) note.firstChild.append(made("a", { href: "/offline/#offline-paper", textContent: "The paper procedure, for two people" }));
        note.dataset.offlineNote = "";
        note.setAttribute("role", "status");
        form.prepend(note);
      } else if (!away) note?.remove();
      for (const field of form.elements) {
        const held = paper ? field.type !== "hidden" : field.type === "file" || SECRET.test(field.name ?? "");
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
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    reachable().then(async (there) => {
      if (there) {
        form.dataset.there = "";
        form.requestSubmit(submitter);
        delete form.dataset.there; // also where it was not sent, as a field is not valid
        return;
      }
      await look();
      if (form.dataset.withoutNetwork === "paper") return form.querySelector("[data-offline-note] a")?.focus();
      const { order, step, act, title } = form.dataset;
      const panel = made("div", { className: "cgt-panel tone-good", tabIndex: -1 });
      try {
        const entry = await keep({ key: form.elements.once.value, order, step, act, title }, form, submitter);
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

  let newest = null;
  /** Look whether the network is there, and show it; what an older look finds out late does not count. */
  const look = () => {
    const mine = (newest = reachable().then(async (there) => {
      if (newest !== mine) return newest;
      away = !there;
      prepare(away); // first, and whatever the device's store does: nothing is infused on what a page without network shows
      await strip().catch(() => {});
      return there;
    }));
    return mine;
  };
  let fresh = true; // whether what is at hand was asked for: the desk does each time, other pages where nothing is known
  const round = inTurn(async () => {
    if (!(await look())) return;
    const { own } = await counts();
    if (own) await send();
    else if (!fresh) fresh = (await session()) !== undefined;
    await strip();
  });

  const claimed = (registration) => navigator.serviceWorker.controller ?? registration.active?.postMessage("claim");

  document.addEventListener("DOMContentLoaded", async () => {
    if (!window.indexedDB || !window.isSecureContext) return;
    navigator.serviceWorker?.register("/worker.js").catch(() => {});
    navigator.serviceWorker?.ready.then(claimed); // a page that was loading while the worker began is nobody's otherwise
    if (ofThePage() === "") return forget();
    if (document.querySelector("[data-offline-shell]")) return; // that page sends by itself, and shows it
    window.addEventListener("online", round);
    window.addEventListener("offline", look);
    document.addEventListener("cgt:offline", () => strip().catch(() => {}));
    document.addEventListener("htmx:afterSettle", () => prepare(away));
    const depends = () => document.querySelector("form[data-without-network]") !== null; // a dead uplink makes no event
    let beat = 0;
    setInterval(async () => {
      const waits = away || !fresh || (await counts().catch(() => ({ own: 0 }))).own;
      if (waits || (++beat % 2 === 0 && depends())) round();
    }, AGAIN);
    if (ofThePage()) {
      fresh = false;
      await forget(ofThePage())
        .then(() => known("acting"))
        .then((acting) => (fresh = location.pathname !== "/" && acting !== undefined && Math.abs(Date.now() - acting.at) < GOOD_FOR))
        .catch(() => {});
    }
    await round();
  });

  return { correct, counts, discard, entries, inTurn, keep, known, look, made, putAway, received, resume, send, session, sheets, standing };
})();
