// Keys: "g" and an area's [data-go] opens the area, j and k move over [data-row], x ticks, "." lists the
// actions, "/" opens the search, "?" the keys. Enter follows a row's link. None acts while somebody types, or at all where
// <body data-single-keys="off">.
(() => {
  const PREFIX_MS = 1500;
  const NOT_TYPED = "[type=checkbox], [type=radio], [type=button], [type=submit]";
  const typing = (target) =>
    target.closest("input, textarea, select, [contenteditable]")?.matches(`:not(${NOT_TYPED})`) ||
    document.querySelector("dialog[open]");
  const visible = (element) => element.checkVisibility() && !element.disabled;
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const link = (row) => row.querySelector("a[href]");
  const tick = (row) => row?.querySelector(".cell-tick input");
  const current = () => rows().find((row) => row.contains(document.activeElement));
  let prefixedAt = -PREFIX_MS;
  let lastTicked = null;

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    link(next)?.focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const set = (box, checked) => {
    if (!box || box.checked === checked) return;
    box.checked = checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const tickTo = (row) => {
    const all = rows();
    const [from, to] = [all.indexOf(lastTicked), all.indexOf(row)].sort((a, b) => a - b);
    for (const each of all.slice(Math.max(from, 0), to + 1)) set(tick(each), true);
  };
  const tickRow = (isRange) => {
    if (!current()) move(1);
    const row = current();
    if (!tick(row)) return;
    if (isRange && lastTicked) tickTo(row);
    else set(tick(row), !tick(row).checked);
    lastTicked = row;
  };

  // The buttons and links that act on the ticked rows, else on the row, else on the page.
  const actions = () => {
    const ticked = rows().some((row) => tick(row)?.checked);
    const ofRow = [...(current()?.querySelectorAll(".btn, button") || [])].filter(visible);
    const ofPage = ".page-head .actions .btn, [data-actions] .btn";
    if (!ticked && ofRow.length) return ofRow;
    return [...document.querySelectorAll(ticked ? ".bulk-bar .btn" : ofPage)].filter(visible);
  };
  const showActions = () => {
    const menu = document.getElementById("actions-menu");
    if (!menu) return;
    const found = actions();
    menu.querySelector("[data-none]").hidden = found.length > 0;
    menu.querySelector("[data-menu]").replaceChildren(...found.map((action) => {
      const item = document.createElement("button");
      item.type = "button";
      item.className = "menu-item";
      item.textContent = action.getAttribute("aria-label") || action.textContent.trim();
      item.addEventListener("click", () => { menu.close(); action.click(); });
      return item;
    }));
    menu.showModal();
  };
  document.addEventListener("keydown", (event) => {
    const items = [...document.querySelectorAll("#actions-menu[open] .menu-item")];
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (!items.length || !step) return;
    event.preventDefault();
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length].focus();
  });

  const acts = {
    g: () => { prefixedAt = performance.now(); },
    j: () => move(1),
    k: () => move(-1),
    x: () => tickRow(false),
    X: () => tickRow(true),
    ".": showActions,
    "/": () => document.dispatchEvent(new Event("search:open")),
    "?": () => document.getElementById("shortcuts")?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (document.body.dataset.singleKeys === "off") return;
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const prefixed = performance.now() - prefixedAt < PREFIX_MS;
    prefixedAt = -PREFIX_MS;
    const area = prefixed && /^[a-z]$/.test(event.key) && document.querySelector(`[data-go="${event.key}"]`);
    const act = area ? () => area.click() : acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  // Shift and a click tick all rows in between.
  document.addEventListener("click", (event) => {
    const box = event.target.closest("[data-row] .cell-tick input");
    if (!box) return;
    const row = box.closest("[data-row]");
    if (event.shiftKey && lastTicked && box.checked) tickTo(row);
    lastTicked = row;
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-first-row]") || !rows().length) return;
    event.preventDefault();
    move(1);
  });
})();
