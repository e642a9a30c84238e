// Runs before the first paint, so that no page flashes in the wrong theme.
(() => {
  const KEY = "orchestra-theme";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const stored = () => {
    try {
      return localStorage.getItem(KEY) ?? "auto";
    } catch {
      return "auto"; // storage may be switched off
    }
  };

  const show = (choice) => {
    root.dataset.themeChoice = choice;
    root.dataset.bsTheme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      if (button !== root) button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  };

  root.classList.add("js");
  show(stored());
  dark.addEventListener("change", () => show(stored()));
  window.addEventListener("storage", () => show(stored()));
  document.addEventListener("DOMContentLoaded", () => show(stored()));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-theme-choice]");
    if (!button) return;
    try {
      localStorage.setItem(KEY, button.dataset.themeChoice);
    } catch {
      // without storage the choice applies to this page only
    }
    show(button.dataset.themeChoice);
  });
})();
