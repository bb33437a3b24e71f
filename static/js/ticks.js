// [data-tick-all] ticks every checkbox of its table. Hidden without JavaScript.
(() => {
  const prepare = () => document.querySelectorAll("[data-tick-all]").forEach((box) => (box.hidden = false));
  document.addEventListener("DOMContentLoaded", prepare);
  document.addEventListener("htmx:afterSwap", prepare);
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-tick-all]");
    if (!all) return;
    all.closest("table").querySelectorAll("tbody input[type=checkbox]").forEach((box) => (box.checked = all.checked));
  });
})();
