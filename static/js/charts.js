// A [data-chart] is one stop of the Tab key; the arrows, Home and End go from bar to bar.
(() => {
  const barsOf = (element) => [...element.closest("[data-chart]").querySelectorAll(".chart-bar")];
  const enter = (bars, bar) => bars.forEach((each) => each.setAttribute("tabindex", each === bar ? 0 : -1));
  document.addEventListener("DOMContentLoaded", () => {
    for (const chart of document.querySelectorAll("[data-chart]")) {
      const bars = [...chart.querySelectorAll(".chart-bar")];
      enter(bars, bars.at(-1));
    }
  });
  document.addEventListener("keydown", (event) => {
    if (!event.target.matches?.(".chart-bar")) return;
    const bars = barsOf(event.target);
    const here = bars.indexOf(event.target);
    const last = bars.length - 1;
    const to = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const bar = bars[Math.min(Math.max(to, 0), last)];
    enter(bars, bar);
    bar.focus();
  });
})();
