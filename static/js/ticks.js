// [data-tick-all] ticks every checkbox of its table. Hidden without JavaScript. [data-ticked] says how
// many are ticked.
(() => {
  const prepare = () => document.querySelectorAll("[data-tick-all]").forEach((box) => (box.hidden = false));
  document.addEventListener("DOMContentLoaded", prepare);
  document.addEventListener("htmx:afterSwap", prepare);
  document.addEventListener("change", (event) => {
    const box = event.target.closest(".cell-tick input");
    if (!box) return;
    const boxes = [...box.closest("table").querySelectorAll("tbody .cell-tick input")];
    if (box.matches("[data-tick-all]")) boxes.forEach((each) => (each.checked = box.checked));
    const words = `${boxes.filter((each) => each.checked).length} selected`;
    for (const count of document.querySelectorAll("[data-ticked]")) count.textContent = words;
    document.dispatchEvent(new CustomEvent("announce", { detail: words }));
  });
})();
