// A question or task that is being written, and the last method and panel, kept by this browser for each person and team.
(() => {
  const PREFIX = "orchestra-ask:";
  const SENT = "orchestra-ask-sent";
  const SIGNED_OUT = "orchestra-signed-out";
  const PANEL = ["models", "order"];
  const UNKEPT = ["csrfmiddlewaretoken", "from"];

  // Storage may be switched off or full: then nothing is kept, and everything else goes on.
  const attempt = (act) => {
    try {
      return act();
    } catch {
      return null;
    }
  };
  const read = (key) => {
    const kept = attempt(() => JSON.parse(localStorage.getItem(key)));
    return Array.isArray(kept) && kept.every((pair) => Array.isArray(pair) && pair.length === 2) ? kept : null;
  };
  const write = (key, entries) => attempt(() => localStorage.setItem(key, JSON.stringify(entries)));
  const forget = (key) => attempt(() => localStorage.removeItem(key));
  const named = (entries, ...names) => entries.filter(([name]) => names.includes(name));
  const valueOf = (entries, name) => entries.find(([each]) => each === name)?.[1];

  const form = document.querySelector("form[data-draft]");
  const keys = form && { draft: `${PREFIX}${form.dataset.draft}:draft`, usual: `${PREFIX}${form.dataset.draft}:usual` };
  let isKept = Boolean(form) && !form.elements.from; // a change of an earlier run starts from that run
  let [pending, isMissed] = [0, false];

  const entries = () =>
    [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !UNKEPT.includes(name));

  const save = () => {
    clearTimeout(pending);
    pending = 0;
    if (isKept) write(keys.draft, entries());
    else isMissed = true;
  };
  const saveSoon = (event) => {
    if (event.target.id === "panel-find") return;
    clearTimeout(pending);
    pending = setTimeout(save, 250);
  };

  // Once the page of the run is there the draft has become that run; a refused or lost request keeps it.
  const settle = () => {
    const sent = attempt(() => JSON.parse(sessionStorage.getItem(SENT)));
    attempt(() => sessionStorage.removeItem(SENT));
    if (!sent || !document.getElementById("run")) return;
    const panel = named(sent.entries, ...PANEL);
    const earlier = named(read(sent.usual) ?? [], ...PANEL); // the method may have had no panel
    const method = named(sent.entries, "strategy"); // a session has none
    if (method.length) write(sent.usual, [...method, ...(panel.length ? panel : earlier)]);
    const isSame = JSON.stringify(read(sent.draft)) === JSON.stringify(sent.entries);
    if (isSame) forget(sent.draft); // another tab may hold another question
  };

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-signs-out]")) {
      isKept = false;
      const all = attempt(() => Object.keys(localStorage)) ?? [];
      for (const key of all.filter((each) => each.startsWith(PREFIX))) forget(key);
      attempt(() => localStorage.setItem(SIGNED_OUT, String(Date.now())));
    } else if (event.target === form && !["move", "redraw"].includes(event.submitter?.name)) {
      save();
      attempt(() => sessionStorage.setItem(SENT, JSON.stringify({ ...keys, entries: entries() })));
    }
  });
  settle();
  if (!form) return;

  // What the page does not know any more is left out: a method, a model that is gone.
  const stillThere = (kept, shown) => {
    const methods = [...form.elements].filter((each) => each.name === "strategy").map((each) => each.value);
    const isKnown = methods.includes(valueOf(kept, "strategy"));
    const models = named(shown, "order").map(([, value]) => value);
    const panel = named(kept, ...PANEL).filter(([, value]) => models.includes(value));
    const isGone = named(kept, "models").length && !named(panel, "models").length;
    const rest = kept.filter(([name]) => !PANEL.includes(name) && (isKnown || !/^(strategy|options)/.test(name)));
    const method = isKnown ? [] : named(shown, "strategy");
    return [...rest, ...method, ...(isGone || !panel.length ? named(shown, ...PANEL) : panel)];
  };

  const restore = async (kept, isDraft) => {
    const shown = entries();
    const wanted = stillThere(kept, shown);
    const question = form.elements.text;
    if (question && isDraft && valueOf(kept, "text") && !question.value) {
      question.value = valueOf(kept, "text");
      question.setSelectionRange(question.value.length, question.value.length);
      document.getElementById("draft-notice").hidden = false;
    }
    question?.dispatchEvent(new Event("input"));
    const setUp = (list) => list.filter(([name]) => name !== "text");
    const sorted = (list) => JSON.stringify(setUp(list).map(String).sort());
    if (sorted(wanted) === sorted(shown) && String(named(wanted, "order")) === String(named(shown, "order"))) {
      form.dispatchEvent(new Event("estimate"));
      return;
    }
    const values = new FormData();
    for (const [name, value] of setUp(wanted)) {
      values.append(name, value);
      const choice = form.querySelector(`input[type="radio"][name="${CSS.escape(name)}"][value="${CSS.escape(value)}"]`);
      if (choice) choice.checked = true;
    }
    [isKept, isMissed] = [false, false]; // until the parts that the method decides are there, too
    const context = { source: document.body, target: `#${form.dataset.setup}`, swap: "outerHTML", values };
    await htmx.ajax("POST", form.dataset.preview, context).catch(() => null);
    isKept = true;
    if (isMissed) save();
  };

  form.addEventListener("input", saveSoon);
  form.addEventListener("change", saveSoon);
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (["ask-options", "ask-panel", "session-setup"].includes(detail.target.id)) saveSoon({ target: form });
  });
  window.addEventListener("pagehide", () => pending && save());
  window.addEventListener("storage", ({ key }) => {
    if (key === SIGNED_OUT) isKept = false; // in another tab
  });
  document.querySelector("[data-discards-draft]")?.addEventListener("click", () => {
    isKept = false;
    forget(keys.draft);
    window.location.assign(form.action);
  });

  document.addEventListener("DOMContentLoaded", () => {
    const draft = read(keys.draft);
    const kept = draft ?? read(keys.usual);
    if (kept && "restores" in form.dataset) restore(kept, Boolean(draft));
  });
})();
