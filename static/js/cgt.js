/* Small behavior on top of pages that work without it. No inline script anywhere: the content security policy forbids it. */
(() => {
  "use strict";

  const metaContent = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

  /* ---- submit once: a double click must not send twice ---- */
  const release = (form) => {
    form.removeAttribute("data-submitting");
    form.querySelectorAll("[data-held]").forEach((button) => {
      button.removeAttribute("data-held");
      button.disabled = false;
    });
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.submitting !== undefined) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (event.defaultPrevented || form.dataset.resubmit !== undefined || form.method !== "post") return; // a dialog closes, and opens again
    form.setAttribute("data-submitting", "");
    // After this turn of the event loop, so that the pressed button's own name and value are still sent.
    setTimeout(() => {
      for (const button of form.elements) {
        if (button.type === "submit" && !button.disabled) {
          button.setAttribute("data-held", "");
          button.disabled = true;
        }
      }
    });
  }, true);

  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-submitting]").forEach(release));

  /* ---- focus: the first field with an error, else the refusal itself ---- */
  const focusTrouble = (root) => {
    const field = root.querySelector('[aria-invalid="true"]:not([type="hidden"])');
    const target = field ?? root.querySelector("[data-refusal]");
    if (!target) return false;
    target.closest("details")?.setAttribute("open", "");
    target.focus();
    return true;
  };
  /* ---- on a phone some cards are folded; what the address names, and what is in trouble, is open ---- */
  const phone = window.matchMedia("(max-width: 43.74rem)");
  const narrow = () => document.querySelectorAll("details.cgt-narrow");
  const named = () => (location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null);
  const openNamed = () => {
    const target = named();
    target?.closest("details.cgt-narrow")?.setAttribute("open", "");
    target?.querySelectorAll("details.cgt-narrow").forEach((fold) => fold.setAttribute("open", ""));
  };
  const foldOnPhones = () => narrow().forEach((fold) => fold.toggleAttribute("open", !phone.matches));
  document.addEventListener("DOMContentLoaded", () => {
    foldOnPhones();
    openNamed();
    focusTrouble(document);
  });
  phone.addEventListener("change", foldOnPhones);
  window.addEventListener("hashchange", openNamed);

  /* ---- a day of the picker's calendar chooses its chain: the same date needs no second click ---- */
  document.addEventListener("click", (event) => {
    const day = event.target.closest?.("a.cgt-day.is-free");
    const offer = day ? document.getElementById(day.hash.slice(1)) : null;
    if (offer instanceof HTMLInputElement) offer.checked = true;
  });

  /* ---- scanners end with Enter: go to the next field instead of sending a half-filled form ---- */
  document.addEventListener("keydown", (event) => {
    const input = event.target;
    if (event.key !== "Enter" || !(input instanceof HTMLInputElement) || input.dataset.scan === undefined) return;
    event.preventDefault();
    if (input.dataset.scan === "many" && input.value !== "" && !/[,;]\s*$/.test(input.value)) {
      input.value += ", "; // the next code follows; Enter without one goes on
      return;
    }
    const fields = [...(input.form?.elements ?? [])].filter(
      (field) =>
        field.type !== "hidden" && !field.disabled && !field.readOnly && field.tagName !== "FIELDSET" &&
        field.dataset.camera === undefined && field.offsetParent !== null,
    );
    fields[fields.indexOf(input) + 1]?.focus();
  });

  /* ---- a scan that comes while nothing has the focus is not lost: it goes into the first empty field for one ---- */
  document.addEventListener("keydown", (event) => {
    const typed = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!typed || document.activeElement !== document.body || document.querySelector("dialog[open]")) return;
    const empty = (field) => field.value === "" && !field.disabled && !field.readOnly && field.offsetParent !== null;
    [...document.querySelectorAll("main [data-scan]")].find(empty)?.focus(); // the key itself arrives there
  });

  /* ---- a camera reads where no scanner is: only where the browser lets a page use one ---- */
  const served = new URL("../", document.currentScript.src).href; // where this file's folder lies
  const decoder = { reader: `${served}vendor/zxing-wasm/reader.js`, wasm: `${served}vendor/zxing-wasm/zxing_reader.wasm` };
  const offerCamera = () => {
    if (!navigator.mediaDevices?.getUserMedia) return;
    document.querySelectorAll("[data-scan]").forEach((field) => {
      if (field.disabled || field.readOnly || field.nextElementSibling?.matches("[data-camera]")) return;
      const label = (field.labels[0]?.firstChild?.textContent ?? "Code").trim();
      const button = document.createElement("button");
      button.type = "button";
      button.className = "cgt-camera-open";
      button.dataset.camera = "";
      button.setAttribute("aria-label", `Scan with the camera: ${label}`);
      button.title = "Scan with the camera";
      button.addEventListener("click", async () => {
        try {
          const { scan } = await import(`${served}js/camera.js`);
          await scan(field, label, decoder);
        } catch {
          say("The camera could not be started. Use a scanner, or type the code.", true);
        }
      });
      field.after(button);
    });
  };
  document.addEventListener("DOMContentLoaded", offerCamera);
  document.addEventListener("htmx:afterSettle", offerCamera);

  /* ---- a table wider than its place scrolls: then the keyboard must reach it ---- */
  const reachWideTables = () =>
    document.querySelectorAll(".cgt-table-wrap:not([tabindex])").forEach((wrap) => {
      if (wrap.scrollWidth <= wrap.clientWidth) return;
      wrap.tabIndex = 0;
      wrap.setAttribute("role", "region");
      wrap.setAttribute("aria-label", wrap.querySelector("caption")?.textContent ?? "Table");
    });
  document.addEventListener("DOMContentLoaded", reachWideTables);
  document.addEventListener("htmx:afterSettle", reachWideTables);

  /* ---- menus and navigation ---- */
  const closeMenus = (except) =>
    document.querySelectorAll("details.cgt-menu[open]").forEach((menu) => menu !== except && menu.removeAttribute("open"));

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.cgt-menu[open]");
    if (!menu) return;
    const inside = menu.contains(document.activeElement);
    closeMenus();
    if (inside) menu.querySelector("summary").focus();
  });

  /* Paper shows what the screen folds. */
  window.addEventListener("beforeprint", () => document.querySelectorAll("details.cgt-fold").forEach((fold) => fold.setAttribute("open", "")));

  /* ---- announcements ---- */
  const say = (text, visible) => {
    const live = document.getElementById("cgt-live");
    if (!live) return;
    const note = document.createElement("div");
    const words = document.createElement("p");
    words.textContent = text;
    note.className = visible ? "cgt-panel tone-bad" : "visually-hidden";
    note.append(words);
    live.replaceChildren(note);
    setTimeout(() => note.remove(), visible ? 12000 : 3000);
  };

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      say("Copied.", false);
      button.setAttribute("data-copied", "");
      setTimeout(() => button.removeAttribute("data-copied"), 1500);
    } catch {
      say("The browser did not allow copying. Select the text and copy it by hand.", true);
    }
  };

  const setTheme = (theme) => {
    document.cookie = `cgt_theme=${theme}; path=/; max-age=${theme ? 31536000 : 0}; samesite=lax`;
    if (theme) document.documentElement.setAttribute("data-bs-theme", theme);
    else document.documentElement.removeAttribute("data-bs-theme");
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    closeMenus(target.closest("details.cgt-menu"));
    const toggle = target.closest("[data-nav-toggle]");
    if (toggle) {
      const open = document.getElementById("cgt-nav").classList.toggle("is-open");
      toggle.setAttribute("aria-expanded", String(open));
    }
    const copyButton = target.closest("[data-copy]");
    if (copyButton) copy(copyButton);
    const themeButton = target.closest("[data-set-theme]");
    if (themeButton) setTheme(themeButton.dataset.setTheme);
    if (target.closest("[data-print]")) window.print();
    if (target.closest("[data-reload]")) window.location.reload();
  });

  /* ---- clocks: go on from the seconds that the server said were left; the device's own clock may be wrong ---- */
  const inWords = (seconds, late) => {
    const minutes = Math.floor(Math.abs(seconds) / 60);
    const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
    const said = days ? (days < 10 ? `${days} d ${hours} h` : `${days} d`) : hours ? `${hours} h ${String(rest).padStart(2, "0")} min` : `${rest} min`;
    if (late) return `${said} late`;
    if (Math.abs(seconds) < 60) return "now";
    return seconds < 0 ? `${said} ago` : `in ${said}`;
  };
  const clocks = new WeakMap();
  const tick = () =>
    document.querySelectorAll("[data-left]").forEach((clock) => {
      if (!clocks.has(clock)) clocks.set(clock, performance.now() / 1000 + Number(clock.dataset.left));
      const said = inWords(Math.round(clocks.get(clock) - performance.now() / 1000), clock.dataset.late !== undefined);
      if (clock.textContent !== said) clock.textContent = said;
    });
  document.addEventListener("DOMContentLoaded", tick);
  document.addEventListener("htmx:afterSettle", tick);
  setInterval(tick, 15000);

  /* ---- htmx ---- */
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = metaContent("csrf-token");
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    // A session that ended answers with the sign-in page: go there instead of pasting it into this one.
    const login = metaContent("login-url");
    const answered = event.detail.xhr.responseURL;
    if (login && answered && new URL(answered).pathname === login) {
      event.detail.shouldSwap = false;
      const here = window.location.pathname + window.location.search;
      window.location.assign(`${login}?next=${encodeURIComponent(here)}`);
    }
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest?.("form");
    if (form) release(form);
  });
  // A list that gets one row more or less keeps what was typed in the others; a new row is typed into next.
  let typed = null;
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const list = detail.target.matches?.("[data-keeps-typed]") ? detail.target : null;
    typed = list && { id: list.id, fields: new Map([...list.querySelectorAll("[id][name]")].map((field) => [field.id, field])) };
  });
  const typeAgain = ({ id, fields }) => {
    typed = null;
    const list = document.getElementById(id);
    const now = [...list.querySelectorAll("[id][name]")];
    for (const field of now) {
      const before = fields.get(field.id);
      if (!before || field.type === "file") continue;
      if (["checkbox", "radio"].includes(field.type)) field.checked = before.checked;
      else field.value = before.value;
    }
    (now.find((field) => !fields.has(field.id)) ?? list.querySelector("[hx-get]"))?.focus();
  };
  document.addEventListener("htmx:afterSwap", () => {
    if (typed) return typeAgain(typed);
    if (focusTrouble(document)) return;
    document.querySelector('[aria-current="step"] :is(input:not([type="hidden"], [readonly]), select, textarea)')?.focus();
  });
  const uncertain = "It is not certain that this was recorded. Reload the page and look before you try again.";
  document.addEventListener("htmx:sendError", () => say(`The server cannot be reached. ${uncertain}`, true));
  document.addEventListener("htmx:timeout", () => say(`The server took too long. ${uncertain}`, true));
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status >= 500) say(`The server could not finish. ${uncertain}`, true);
  });
})();
