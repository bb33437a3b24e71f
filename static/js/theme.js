// Colour scheme: light, dark or the system's. Runs before the first paint to avoid a flash.
(() => {
  const stored = () => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  };
  const show = (choice) => {
    if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
    else delete document.documentElement.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (choice || "system")));
    }
  };
  show(stored());
  document.addEventListener("DOMContentLoaded", () => {
    for (const group of document.querySelectorAll(".theme-switch")) group.hidden = false;
    show(stored());
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    const choice = button.dataset.themeChoice;
    try { localStorage.setItem("theme", choice); } catch { /* no storage in private mode: this page only */ }
    show(choice);
  });
})();
