// Colour scheme of the API reference: the one chosen in the dashboard, else the system's.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    let chosen = null;
    try { chosen = localStorage.getItem("theme"); } catch { /* no storage in private mode */ }
    const dark = chosen === "dark" || (chosen !== "light" && system.matches);
    document.documentElement.classList.toggle("dark-mode", dark);
  };
  show();
  system.addEventListener("change", show);
  addEventListener("storage", show);
})();
