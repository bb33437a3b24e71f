// Counts on what the server wrote as "3 min ago" (<time data-ago>), and says below a page that polls when it was
// updated last. By the server's clock, as that of the browser may be wrong.
(() => {
  const UNITS = [
    [31536000, "year", "years"], [2592000, "month", "months"], [86400, "day", "days"],
    [3600, "h", "h"], [60, "min", "min"], [1, "s", "s"],
  ];
  let ahead = 0;
  let updated = 0;
  const now = () => Date.now() - ahead;
  // As format_distance() in ui.py: what is to come is rounded up by up to 2 %.
  const words = (gap, least) => {
    const seconds = (Math.abs(gap) * (gap > 0 ? 1.02 : 1)) / 1000;
    if (seconds < least) return "just now";
    const [length, one, many] = UNITS.find((unit) => seconds >= unit[0]) || UNITS.at(-1);
    const count = Math.floor(seconds / length);
    const said = `${count} ${count === 1 ? one : many}`;
    return gap > 0 ? `in ${said}` : `${said} ago`;
  };
  const foot = () => document.getElementById("updated");
  const count = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const said = words(Date.parse(time.dateTime) - now(), 10);
      if (time.textContent !== said) time.textContent = said;
    }
    if (!updated || !foot()) return;
    foot().textContent = `Updated ${words(updated - Date.now(), 1)}`;
    foot().hidden = !document.querySelector('[data-live], [hx-trigger*="every"]');
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (!foot()) return;
    ahead = Date.now() - Date.parse(foot().dataset.now);
    setInterval(count, 1000);
  });
  // From polls.js: a poll was answered.
  document.addEventListener("polled", () => {
    updated = Date.now();
    count();
  });
})();
