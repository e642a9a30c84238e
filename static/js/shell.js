// What every signed-in page does with a script: menus, dialogs, words for failed requests, relative times.
(() => {
  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.removeAttribute("open");
    }
  };

  // Without https there is no clipboard; a selection can be copied all the same.
  const toClipboard = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      const copied = document.execCommand("copy");
      area.remove();
      return copied;
    }
  };

  // What a button copies: the code beside it, the text at an address, or what an element shows or holds.
  const copied = async ({ dataset, parentElement }) => {
    if ("copyCode" in dataset) return parentElement.querySelector("code").textContent;
    if (dataset.copyUrl) return (await fetch(dataset.copyUrl)).text();
    const source = document.getElementById(dataset.copy);
    return source.value ?? source.innerText;
  };

  const copy = async (button) => {
    const words = button.querySelector("span") ?? button;
    const shown = words.innerHTML;
    words.textContent = (await toClipboard(await copied(button))) ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { words.innerHTML = shown; }, 2000);
  };

  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.menu"));
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    const chosen = event.target.closest("button[data-theme-choice]");
    if (chosen) closeMenus(null);
    const copier = event.target.closest("[data-copy], [data-copy-url], [data-copy-code]");
    if (copier) copy(copier);
    if (event.target.closest("[data-dismiss]")) event.target.closest(".notice")?.remove();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details.menu[open]");
    closeMenus(null);
    menu?.querySelector("summary").focus();
  });

  const say = (words) => {
    const notice = document.createElement("div");
    notice.className = "notice notice-error";
    const text = document.createElement("p");
    text.textContent = words;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn-close";
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", "Dismiss");
    notice.append(text, close);
    document.getElementById("problems")?.replaceChildren(notice);
  };

  // The error pages answer htmx with one plain sentence.
  document.addEventListener("htmx:responseError", ({ detail }) => {
    const plain = detail.xhr.getResponseHeader("Content-Type")?.startsWith("text/plain");
    say(plain ? detail.xhr.responseText : `The server answered with an error (${detail.xhr.status}). Reload the page and try again.`);
  });
  document.addEventListener("htmx:sendError", () => {
    say("The server could not be reached. Check that it is running, then try again.");
  });

  // What is wider or longer than its place can be scrolled with the keyboard; `data-more` shows that it goes on.
  const SCROLLING = ".table-scroll, .lane-prose, .lane-text, .story";
  const mark = (place) => {
    const beyond = place.scrollWidth - place.clientWidth;
    const scrolls = beyond > 1 || place.scrollHeight - place.clientHeight > 1;
    place.toggleAttribute("data-more", beyond > 1 && Math.abs(place.scrollLeft) < beyond - 1);
    const set = (name, value) => (scrolls ? place.setAttribute(name, value) : place.removeAttribute(name));
    set("tabindex", "0");
    if (!place.matches(".table-scroll")) return;
    const heading = place.closest("section, article, .card")?.querySelector("h2, h3")?.textContent.trim();
    place.dataset.about ??= place.getAttribute("aria-label") ?? heading ?? "";
    set("role", "group"); // a page may have many: they are no landmarks
    set("aria-label", `Table that scrolls: ${place.dataset.about}`);
  };
  const markAll = () => document.querySelectorAll(SCROLLING).forEach(mark);
  new ResizeObserver(markAll).observe(document.body);
  document.addEventListener("htmx:wsAfterMessage", markAll);
  document.addEventListener("scroll", (event) => event.target.matches?.(SCROLLING) && mark(event.target), true);

  const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60]];
  const refresh = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
      if (Math.abs(seconds) < 60 || Math.abs(seconds) >= 30 * 86400) continue;
      const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length);
      time.textContent = relative.format(seconds < 0 ? Math.trunc(seconds / size) : Math.round(seconds / size), unit);
    }
  };
  setInterval(refresh, 30000);
})();
