/* Only in a demonstration: a click scans a code, fills in an example, or signs for a fictional person. */
(() => {
  "use strict";

  const put = (field, value) => {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const usable = (field) => field && field.isConnected && !field.disabled && !field.readOnly;

  /* The field that takes the next scan: the one used last if it is a text field in a form, else the first empty scan field. */
  let last = null;
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("main input[type=text], main input:not([type])")) last = event.target;
  });
  const nextEmpty = () => [...document.querySelectorAll('main [data-scan]:not([data-scan="number"])')].find((field) => usable(field) && field.value === "");
  const scanInto = () => (usable(last) && last.value === "" ? last : nextEmpty()) ?? (usable(last) ? last : document.querySelector("main [data-scan]"));

  const named = (name) => name && [...document.querySelectorAll(`main [name="${CSS.escape(name)}"]`)].find(usable);

  const scan = (code, name) => {
    const field = named(name) ?? scanInto();
    if (!field) return;
    put(field, field.dataset.scan === "many" && field.value ? `${field.value.replace(/[,;]?\s*$/, "")}, ${code}` : code);
    last = nextEmpty() ?? field;
    field.scrollIntoView({ block: "nearest" });
    const mark = () => field.classList.toggle("is-scanned");
    mark();
    setTimeout(mark, 900);
  };

  /* Empty, refused, or a time as the form proposed it: what somebody typed stays. */
  const isOpen = (field) =>
    field.value === "" || field.getAttribute("aria-invalid") === "true" || (field.type === "datetime-local" && field.value === field.defaultValue);

  const fillExample = (values, root) => {
    for (const [name, value] of Object.entries(values)) {
      for (const field of root.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
        if (!usable(field)) continue;
        if (field.type === "radio") field.checked = field.value === value;
        else if (field.type === "checkbox") field.checked = value !== "";
        else if (isOpen(field)) put(field, value);
      }
    }
  };

  const sign = (button) => {
    const set = button.closest("fieldset");
    const name = set.querySelector('input[name$="username"]');
    if (button.dataset.demoUser && usable(name)) put(name, button.dataset.demoUser);
    put(set.querySelector("input[type=password]"), button.dataset.demoFill);
  };

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    if (button.dataset.demoScan !== undefined) scan(button.dataset.demoScan, button.dataset.demoField);
    if (button.dataset.demoExample !== undefined) fillExample(JSON.parse(button.dataset.demoExample), document.querySelector("main"));
    if (button.dataset.demoFill !== undefined) sign(button);
  });
})();
