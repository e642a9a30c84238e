// Keyboard: "/" search, "g" and a letter go to a page, "?" help, Ctrl+Enter sends the form one is in.
(() => {
  const CHORD_MS = 1200;
  let goUntil = 0;

  const isTyping = (element) =>
    element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);

  const goTo = (key) => {
    const link = [...document.querySelectorAll("[data-go]")].find((one) => one.dataset.go === key);
    if (link) window.location.assign(link.href);
    return Boolean(link);
  };

  const act = (key) => {
    if (performance.now() < goUntil) {
      goUntil = 0;
      return goTo(key);
    }
    if (key === "g") {
      goUntil = performance.now() + CHORD_MS;
      return true;
    }
    if (key === "/") {
      const search = document.getElementById("search");
      search?.focus();
      return Boolean(search);
    }
    if (key === "?") {
      document.getElementById("keyboard-help")?.showModal();
      return true;
    }
    return false;
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = document.activeElement?.closest("form");
      if (form && form.method !== "dialog") {
        event.preventDefault();
        form.requestSubmit();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (act(event.key)) event.preventDefault();
  });
})();
