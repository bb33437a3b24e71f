// Ctrl-K opens the search, "/" too (static/js/shortcuts.js), and so does a click into the sidebar's field. Arrows go through what
// was found, Enter follows the first line. Without a script the field leads to the page of the search.
(() => {
  const finder = () => document.querySelector("[data-finder]");
  const hits = (box) => [...box.querySelectorAll("[data-hit]")];
  const open = () => {
    const box = finder();
    if (!box) return false;
    const input = box.querySelector("[data-finder-input]");
    if (box.nodeName === "DIALOG" && !box.open) {
      box.showModal();
      input.form.dispatchEvent(new Event("open"));
    }
    input.focus();
    input.select();
    return true;
  };
  const isOpener = (event) =>
    (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
  const move = (event, box, step) => {
    const all = hits(box);
    const at = all.indexOf(document.activeElement) + step;
    event.preventDefault();
    (all[Math.min(at, all.length - 1)] ?? box.querySelector("[data-finder-input]")).focus();
  };
  const follow = (event, box, input) => {
    const first = hits(box)[0];
    // Of another text: the form sends this one, and the page answers.
    if (!first || box.querySelector("[data-found]").dataset.text !== input.value.trim()) return;
    event.preventDefault();
    first.click();
  };
  document.addEventListener("search:open", open);
  document.addEventListener("keydown", (event) => {
    if (isOpener(event)) {
      if (open()) event.preventDefault();
      return;
    }
    const box = event.target.closest("[data-finder]");
    if (!box) return;
    if (event.key === "ArrowDown") move(event, box, 1);
    else if (event.key === "ArrowUp") move(event, box, -1);
    else if (event.key === "Enter" && event.target.matches("[data-finder-input]")) follow(event, box, event.target);
  });
  document.addEventListener("click", (event) => {
    const field = event.target.closest("[data-search-open]");
    if (field && event.detail && !field.querySelector("input").value) open();
  });
})();
