// The API reference in light or dark: as chosen in the dashboard, else as the system has it.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const show = () => {
    let chosen = null;
    try { chosen = localStorage.getItem("theme"); } catch { /* private mode: as the system */ }
    const dark = chosen === "dark" || (chosen !== "light" && system.matches);
    document.documentElement.classList.toggle("dark-mode", dark);
  };
  show();
  system.addEventListener("change", show);
  addEventListener("storage", show);
})();
