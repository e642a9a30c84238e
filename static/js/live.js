// Live pages: a socket that reconnects asks for what came after the number the page has reached by then.
(() => {
  const caughtUp = (address) => {
    const url = new URL(address, window.location.href);
    const reached = document.getElementById("live-seq")?.dataset.seq;
    if (reached && url.searchParams.has("after")) url.searchParams.set("after", reached);
    url.protocol = url.protocol.replace("http", "ws");
    return url.href;
  };

  // The server cannot send 1012, "come back", and has a code of its own for it that htmx does not know.
  const RESTART = 4503;
  const translated = (event) => {
    if (event.code !== RESTART) return;
    event.stopImmediatePropagation();
    event.target.dispatchEvent(new CloseEvent("close", { code: 1012 }));
  };

  htmx.createWebSocket = (address) => {
    const socket = new WebSocket(caughtUp(address), []);
    socket.addEventListener("close", translated);
    return socket;
  };

  // Within five seconds, at a random moment: pages do not all reconnect to a restarted server at once.
  htmx.config.wsReconnectDelay = (attempt) => Math.random() * Math.min(500 * 2 ** attempt, 5000);

  // A page shows only some parts of a run, as one stage or an editor does, and is sent all: it takes those that it
  // has, and those that a piece before them in the same message brings.
  htmx.defineExtension("present", {
    transformResponse: (text) => {
      const sent = document.createElement("template");
      const brought = new Set();
      sent.innerHTML = text;
      for (const piece of [...sent.content.children]) {
        if (piece.id && !document.getElementById(piece.id) && !brought.has(piece.id)) piece.remove();
        else for (const inner of piece.querySelectorAll("[id]")) brought.add(inner.id);
      }
      return sent.innerHTML;
    },
  });

  // Codes after which reconnecting would not help, and why the page was closed.
  const LOST_ACCESS = "you have been signed out, or have lost access";
  const FINAL = {
    4400: "its address is not valid",
    4401: LOST_ACCESS,
    4403: LOST_ACCESS,
    4404: "the run has been deleted, or you have lost access",
    4409: "your role in the team has changed",
    4413: "it sent a message that is larger than the server accepts",
    4429: "it sent more messages than the server accepts",
  };
  const show = (words) => {
    const notice = document.getElementById("connection-lost");
    if (notice) notice.hidden = !words;
    if (notice && words) notice.textContent = words;
  };
  document.addEventListener("htmx:wsOpen", (event) => {
    if (event.target.id === "run") show("");
  });
  document.addEventListener("htmx:wsClose", (event) => {
    if (event.target.id !== "run") return;
    const reason = FINAL[event.detail.event.code];
    show(
      reason
        ? `This page is no longer live: ${reason}. Reload it.`
        : "The connection was lost. This page goes on by itself as soon as the server answers."
    );
  });

  // The time of a running run goes on between two events.
  const began = new WeakMap();
  const usual = Number(document.getElementById("run")?.dataset.usualS);
  const sayLeft = (seconds) => {
    const left = document.querySelector("[data-time-left]");
    if (left) left.textContent = usual - seconds > 0.5 ? ` · about ${Math.ceil(usual - seconds)} s left` : "";
  };
  setInterval(() => {
    for (const time of document.querySelectorAll("[data-counts-from]")) {
      if (!began.has(time)) began.set(time, performance.now() - Number(time.dataset.countsFrom) * 1000);
      const seconds = (performance.now() - began.get(time)) / 1000;
      sayLeft(seconds);
      if (seconds < 60) time.textContent = `${seconds < 9.95 ? seconds.toFixed(1) : Math.round(seconds)} s`;
    }
  }, 100);

  // What a reader has opened or ticked stays so when its part of the page is drawn anew.
  const chosen = new Map();
  document.addEventListener("htmx:wsBeforeMessage", () => {
    for (const fold of document.querySelectorAll("#run details[id]")) chosen.set(fold.id, fold.open);
    for (const box of document.querySelectorAll("#run input[type=checkbox][id]")) chosen.set(box.id, box.checked);
  });
  document.addEventListener("htmx:wsAfterMessage", () => {
    for (const [id, value] of chosen) {
      const element = document.getElementById(id);
      if (element) element[element.localName === "details" ? "open" : "checked"] = value;
    }
  });

  // The link to what a part of the page shows is marked, also when either is drawn anew, and is in sight.
  let marked = "";
  let framed = null;
  const inSight = (link, frame) => {
    const [inner, outer] = [link.getBoundingClientRect(), frame.getBoundingClientRect()];
    const isSeen = inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top && inner.bottom <= outer.bottom;
    if (isSeen) return;
    frame.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
    frame.scrollTop += inner.top - outer.top - (outer.height - inner.height) / 2;
  };
  const mark = () => {
    const shown = (document.querySelector("#chosen-stage [data-shows]") ?? document.querySelector("[data-shows]"))?.dataset.shows;
    for (const link of document.querySelectorAll("[data-choice]")) {
      if (link.dataset.choice === shown) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      const frame = link.closest(".graph");
      if (link.dataset.choice !== shown || !frame?.clientWidth || (shown === marked && frame === framed)) continue;
      inSight(link, frame);
      framed = frame;
    }
    marked = shown;
    const [usual, other] = ["run-stage", "chosen-stage"].map((id) => document.querySelector(`#${id} [data-shows]`));
    if (usual) usual.parentElement.hidden = usual.dataset.shows === other?.dataset.shows;
  };
  mark();
  for (const event of ["htmx:wsAfterMessage", "htmx:afterSwap", "htmx:oobAfterSwap", "htmx:historyRestore"]) document.addEventListener(event, mark);

  // On a narrow screen, what was chosen may stand far below the link to it.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.boosted && matchMedia("(width < 40rem)").matches) event.target.scrollIntoView({ block: "start" });
  });

  // Nothing moves under the pointer: the page scrolls by as much as what stands above has grown.
  let held = null;
  let place = 0;
  document.addEventListener("htmx:wsBeforeMessage", () => {
    held = document.querySelector(":is(#run-lanes, .folds):hover");
    place = held?.getBoundingClientRect().top ?? 0;
  });
  document.addEventListener("htmx:wsAfterMessage", () => {
    const now = held && document.getElementById(held.id || "fold-path")?.closest("#run-lanes, .folds");
    if (now) scrollBy({ top: now.getBoundingClientRect().top - place, behavior: "instant" });
  });

  // A question that fits needs no "Show all".
  for (const fold of document.querySelectorAll(".folded")) {
    const text = fold.querySelector(".question-long");
    fold.querySelector(".fold-all").hidden = text.scrollHeight <= text.clientHeight + 1;
  }

  // A lane scrolls to the end of its text, unless the reader has scrolled up: then a button tells what is new.
  const FOLLOWING = ".lane-text, #run-story, [data-follows]";
  const isAtEnd = (text) => text.scrollTop + text.clientHeight >= text.scrollHeight - 24;
  const toEnd = (text) => { text.scrollTop = text.scrollHeight; };
  const count = (text) => text.querySelectorAll("[data-message]").length;
  const [atEnd, read] = [new WeakMap(), new WeakMap()];
  const announce = (text) => {
    const button = document.querySelector(`[data-new-in="${text.id}"]`);
    if (isAtEnd(text) || !read.has(text)) read.set(text, count(text));
    const unread = count(text) - read.get(text);
    if (!button) return;
    button.hidden = unread <= 0;
    button.textContent = `${unread} new`;
  };
  document.addEventListener("htmx:wsBeforeMessage", () => {
    for (const text of document.querySelectorAll(FOLLOWING)) atEnd.set(text, isAtEnd(text));
  });
  document.addEventListener("htmx:wsAfterMessage", () => {
    for (const text of document.querySelectorAll(FOLLOWING)) if (atEnd.get(text) ?? true) toEnd(text);
    document.querySelectorAll("[data-follows]").forEach(announce);
  });
  for (const text of document.querySelectorAll("[data-follows]")) {
    toEnd(text);
    announce(text);
    text.addEventListener("scroll", () => announce(text));
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-new-in]");
    if (button) toEnd(document.getElementById(button.dataset.newIn));
  });

  // A link to something in a part that is not seen chooses that part first.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("#run a[href^='#']");
    const part = link && document.getElementById(decodeURIComponent(link.hash.slice(1)))?.closest("[data-tabs]");
    for (const id of part?.dataset.tabs.split(" ") ?? []) document.getElementById(id)?.click();
  });

  // What was written and sent leaves its form; what was refused stays.
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.successful && detail.elt.matches("form[data-resets]")) detail.elt.reset();
  });

  // Somebody who is writing goes on in the same field when the part around it is drawn anew.
  let [written, caret] = ["", []];
  document.addEventListener("htmx:wsBeforeMessage", () => {
    const field = document.activeElement;
    written = field?.matches("#run :is(textarea, input)") ? field.id : "";
    caret = [field?.selectionStart, field?.selectionEnd];
  });
  document.addEventListener("htmx:wsAfterMessage", () => {
    const field = written && document.getElementById(written);
    if (!field || field === document.activeElement) return;
    field.focus({ preventScroll: true });
    if (typeof caret[0] === "number") field.setSelectionRange(...caret);
  });
})();
