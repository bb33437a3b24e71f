// [data-polls] does not poll while the page is hidden, and polls at once when it is visible again.
(() => {
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.elt.closest("[data-polls]")) event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !window.htmx) return;
    for (const poller of document.querySelectorAll("[data-polls]")) window.htmx.trigger(poller, "seen");
  });
})();
