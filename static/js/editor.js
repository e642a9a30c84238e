// The editor of a pipeline: what is being typed is saved before anything else happens, and YAML opens at its stage.
(() => {
  const forms = "#card-form, #yaml-form";
  let typed = null; // the form with something that is not saved yet

  document.addEventListener("input", ({ target }) => {
    typed = target.closest(forms) ?? typed;
  });
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.elt === typed) typed = null;
  });

  const save = async () => {
    const form = typed;
    typed = null;
    if (form?.isConnected) await htmx.ajax("POST", form.action, { source: form, swap: "none" }).catch(() => null);
  };

  // A request of another part of the page, or leaving it, waits for what was typed.
  document.addEventListener("htmx:confirm", (event) => {
    if (!typed || event.detail.elt === typed) return;
    event.preventDefault();
    save().then(() => event.detail.issueRequest(true));
  });
  document.addEventListener("submit", (event) => {
    if (!typed || event.target.closest("[hx-post]")) return;
    event.preventDefault();
    save().then(() => event.target.requestSubmit(event.submitter));
  });
  window.addEventListener("pagehide", () => {
    if (typed) fetch(typed.action, { method: "POST", body: new FormData(typed), keepalive: true });
  });

  // What is tried is seen in the graph: the menu does not stay over it.
  document.addEventListener("htmx:afterRequest", ({ target }) => target.closest("details.menu")?.removeAttribute("open"));

  const open = () => {
    const text = document.querySelector("#yaml-text[data-stage]:not([data-stage=''])");
    const line = text?.value.split("\n").findIndex((each) => /^\s*(- )?id:\s/.test(each) && each.includes(text.dataset.stage)) ?? -1;
    if (line < 0) return;
    text.scrollTop = Math.max(0, line - 2) * parseFloat(getComputedStyle(text).lineHeight);
  };
  // What is typed between the swap and its settling starts no request: htmx does not listen to the form yet.
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.elt.id !== "editor") return;
    open();
    if (typed) save();
  });
  open();
})();
