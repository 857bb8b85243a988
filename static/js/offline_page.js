/* The page that a device keeps: what waits on it, what the server made of it, and forms of the steps at hand. */
(() => {
  "use strict";
  const offline = window.cgtOffline;
  const { made } = offline;
  const by = (id) => document.getElementById(id);
  const STATES = {
    waiting: ["Not sent yet", "tone-warn"],
    discarding: ["Discarded, not told yet", "tone-neutral"],
    stands: ["Not discarded", "tone-bad"],
    refused: ["Refused", "tone-bad"],
    to_sign: ["Waits for signatures", "tone-warn"],
    conflict: ["Recorded otherwise meanwhile", "tone-bad"],
    recorded: ["Recorded", "tone-good"],
    discarded: ["Discarded", "tone-neutral"],
  };
  const at = (moment) => new Date(moment).toLocaleString([], { dateStyle: "medium", timeStyle: "medium" });
  const button = (text, act, look = "btn") => {
    const element = made("button", { type: "button", className: look, textContent: text });
    element.addEventListener("click", act);
    return element;
  };

  const address = ({ order, step, act }) => `/orders/${order}/steps/${step}/${act ? `${act}/` : ""}`;
  const row = (entry, ...acts) => {
    const [word, tone] = STATES[entry.state];
    const head = made("h3", {}, `${entry.title} `, made("span", { className: "cgt-mono", textContent: entry.order }), " ", made("span", { className: `cgt-badge ${tone}`, textContent: word }));
    const item = made("li", {}, head, made("p", { textContent: `Made ${at(entry.device_time)} by this device's clock.` }));
    if (entry.clock_off) item.append(made("p", { textContent: `The clock was ${Math.abs(Math.round(entry.skew_s / 60))} min ${entry.skew_s > 0 ? "ahead" : "behind"}: by the server's, it was ${at(entry.happened_at)}.` }));
    if (entry.words) item.append(made("p", { textContent: entry.words }));
    if (entry.reason) item.append(made("p", { textContent: `Why: ${entry.reason}` }));
    item.append(made("div", { className: "cgt-row" }, ...acts));
    item.dataset.state = entry.state;
    return item;
  };

  const ask = (entry) => {
    const dialog = by("offline-discard");
    by("offline-reason").value = "";
    dialog.returnValue = "";
    dialog.onclose = async () => {
      if (dialog.returnValue !== "discard") return;
      try {
        await offline.discard(entry, by("offline-reason").value);
      } catch {
        return show("This device could not keep that it is discarded. Nothing has changed.");
      }
      await round();
    };
    dialog.showModal();
  };

  const ON_THE_WAY = { true: "The network is there.", false: "No network. What you note is kept on this device and sent when the network is back." };
  let there = false;

  const acts = {
    waiting: (entry) => [button("Correct", () => correct(entry)), button("Discard", () => ask(entry))],
    refused: (entry) => [button("Correct", () => correct(entry)), button("Discard", () => ask(entry))],
    discarding: (entry) => [button("Keep it after all", () => offline.resume(entry).then(round))],
    stands: (entry) => [button("Put away", () => offline.putAway(entry))],
  };
  const list = offline.inTurn(async () => {
    const { entries, own, others } = await offline.standing();
    by("offline-count").textContent = own;
    by("offline-none").hidden = own > 0;
    by("offline-send").hidden = own === 0;
    by("offline-others").hidden = others === 0;
    by("offline-others").textContent = `${others} more ${others === 1 ? "entry waits" : "entries wait"} here, sealed, for somebody else or another persona to come back.`;
    by("offline-list").replaceChildren(...entries.map((entry) => row(entry, ...acts[entry.state](entry))));
  });

  let heard = false; // whether the server said what it received
  const answered = async () => {
    const rows = there ? await offline.received().catch(() => null) : null;
    heard = rows !== null;
    by("offline-received").hidden = rows === null;
    by("offline-received-none").hidden = rows?.length > 0;
    const open = (entry, text) => made("a", { className: "btn btn-primary", textContent: text, href: `${address(entry)}?entry=${entry.key}` });
    const answers = {
      to_sign: (entry) => [open(entry, "Open and sign"), button("Discard", () => ask(entry))],
      conflict: (entry) => [open(entry, "See what stands"), button("Discard", () => ask(entry))],
      refused: (entry) => [open(entry, "Open and correct"), button("Discard", () => ask(entry))],
    };
    by("offline-received-list").replaceChildren(...(rows ?? []).map((entry) => row(entry, ...(answers[entry.state]?.(entry) ?? []))));
  };

  const tell = (words) => {
    const line = by("offline-network");
    const uncertain = location.search === "?uncertain" ? " A form was sent when the network went: whether it was recorded is not certain. Look at the order before you note it again." : "";
    line.className = `cgt-panel ${there && !words ? "tone-good" : "tone-warn"}`;
    line.replaceChildren(made("span", { textContent: `${words || ON_THE_WAY[there]}${uncertain}` }));
  };

  const show = async (words = "") => {
    tell(words);
    await list();
    await answered();
  };

  /* ---- forms of the steps at hand ---- */
  const fits = (sheet, form, line) => {
    const unknown = [...form.querySelectorAll('[data-scan]:not([data-scan="number"])')].filter(
      (field) => field.value && !sheet.expects.some((code) => field.value.toUpperCase().includes(code.toUpperCase())),
    );
    line.hidden = !unknown.length;
    line.textContent = unknown.length ? `Stop and look: ${unknown.map((field) => field.value).join(", ")} is none of the codes that this device knows of ${sheet.order}. If it is a bag or box of another order, do not go on.` : "";
  };

  const another = (form, name) => {
    const set = form.querySelector(`#id_${name}`);
    const last = [...set.querySelectorAll(".cgt-entry-set")].at(-1);
    const number = set.querySelectorAll(".cgt-entry-set").length;
    const copy = last.cloneNode(true);
    copy.querySelectorAll("[data-camera]").forEach((camera) => camera.remove());
    const renumber = (text) => text.replace(/\[\d+\]/, `[${number}]`);
    copy.querySelectorAll("[name]").forEach((field) => {
      field.name = renumber(field.name);
      if (field.type !== "radio") field.value = "";
    });
    copy.querySelectorAll("[id]").forEach((one) => (one.id = renumber(one.id)));
    copy.querySelectorAll("[for]").forEach((one) => (one.htmlFor = renumber(one.htmlFor)));
    copy.querySelector("legend").textContent = last.querySelector("legend").textContent.replace(/\d+$/, number + 1);
    last.after(copy);
    document.dispatchEvent(new Event("htmx:afterSettle")); // whoever equips fields looks again
    return copy;
  };

  const fill = (form, inputs) => {
    for (const [name, value] of Object.entries(inputs)) {
      const rows = Array.isArray(value) ? value : null;
      rows?.forEach((row, number) => {
        if (number && !form.querySelector(`[name^="${name}[${number}]"]`)) another(form, name);
        for (const [column, text] of Object.entries(row)) set(form, `${name}[${number}]${column}`, text);
      });
      if (!rows) set(form, name, value);
    }
  };
  const set = (form, name, text) => {
    const field = form.elements[name];
    if (field instanceof RadioNodeList) field.value = text;
    else if (field?.type === "checkbox") field.checked = text === "true";
    else if (field) field.value = text;
  };

  const formOf = (sheet, markup, entry) => {
    const form = made("form", { className: "cgt-form" });
    form.innerHTML = markup; // drawn by our server, kept sealed
    form.dataset.resubmit = "";
    const line = made("p", { className: "cgt-panel tone-bad", hidden: true });
    line.setAttribute("role", "alert");
    const sign = sheet.signatures ? made("p", { textContent: `${sheet.signatures === 1 ? "One person signs" : `${sheet.signatures} people sign`} it when the network is back.` }) : "";
    form.append(line, sign, made("div", { className: "cgt-row" }, made("button", { className: "btn btn-primary", textContent: "Keep on this device" })));
    form.addEventListener("input", () => {
      form.dataset.touched = "";
      fits(sheet, form, line);
    });
    form.addEventListener("click", (event) => {
      const more = event.target.closest?.("[data-one-more]");
      if (more) another(form, more.dataset.oneMore).querySelector("input")?.focus();
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (form.dataset.keeping !== undefined) return;
      form.dataset.keeping = "";
      let trouble = "";
      try {
        const kept = entry ? await offline.correct(entry, form) : await offline.keep({ key: crypto.randomUUID(), order: sheet.order, step: sheet.step, act: sheet.act, title: sheet.title }, form);
        if (!kept) trouble = "It was sent meanwhile, as it was before. Look below at what the server made of it.";
      } catch {
        delete form.dataset.keeping; // what was typed stays
        return show("This device could not keep it. Write it on paper, and record it when the network is back.");
      }
      delete form.dataset.touched;
      await draw(null, true);
      await list();
      by("offline-here").scrollIntoView();
      await round(trouble);
    });
    if (entry) fill(form, entry.inputs);
    return form;
  };

  let drawn = "";
  /** Draw the forms of the steps at hand; what is being typed stays, unless another form is asked for (``anew``). */
  const draw = async (entry = null, anew = false) => {
    const { sheets, forms } = await offline.sheets();
    const wants = JSON.stringify([sheets, forms]);
    if (!anew && (wants === drawn || by("offline-sheets").querySelector("form[data-touched]"))) return;
    drawn = wants;
    by("offline-steps").hidden = !sheets.length;
    const here = location.pathname;
    by("offline-sheets").replaceChildren(
      ...sheets.map((sheet) => {
        const summary = made("summary", {}, `${sheet.title} `, made("span", { className: "cgt-mono", textContent: sheet.order }));
        const details = made("details", {}, summary, made("p", { className: "cgt-quiet", textContent: sheet.place }));
        details.name = "sheet";
        const wanted = (entry ? address(entry) : here) === address(sheet);
        const stop = () => made("p", { className: "cgt-panel tone-bad", textContent: "Not without the network: this device does not know the current release and quarantine status. Work by the paper procedure above, with two people." });
        details.addEventListener("toggle", () => {
          if (!details.open || details.querySelector("form, .tone-bad")) return;
          details.append(sheet.way === "paper" ? stop() : formOf(sheet, forms[sheet.form], entry));
          document.dispatchEvent(new Event("htmx:afterSettle"));
        });
        details.open = wanted;
        return details;
      }),
    );
    if (sheets.some((sheet) => sheet.way === "paper" && here === address(sheet))) by("offline-paper").open = true;
  };

  const correct = async (entry) => {
    await draw(entry, true);
    by("offline-sheets").querySelector("details[open] summary")?.focus();
  };

  const NOBODY = "Nobody is signed in here. Sign in, and what waits is sent.";
  const LATER = "The server does not take entries now. They stay here, in their order, and are sent later.";
  const SAYS = { nobody: NOBODY, later: LATER };

  let trouble = "";
  const once = offline.inTurn(async () => {
    there = await offline.look();
    const outcome = there ? await offline.send() : "away";
    there = outcome !== "away";
    await draw();
    const said = trouble || (SAYS[outcome] ?? "");
    trouble = "";
    await show(said);
  });
  const round = (words = "") => ((trouble ||= words), once());

  document.addEventListener("DOMContentLoaded", async () => {
    by("offline-keep").addEventListener("click", () => by("offline-discard").close());
    by("offline-send").addEventListener("click", () => round());
    document.addEventListener("cgt:offline", list);
    window.addEventListener("online", () => round());
    window.addEventListener("offline", () => round());
    setInterval(async () => (!there || !heard || (await offline.counts()).own) && round(), 5000);
    if (location.hash === "#offline-paper") by("offline-paper").open = true;
    await draw().catch(() => {});
    await list();
    await round();
  });
})();
