// One poll a page, #live: it asks for every [data-live] of the page and says what it has of each (data-state), so the
// answer is 304 or only what has changed. It pauses while the page is hidden, and ends at 286: nothing can change.
(() => {
  const [EVERY_MS, SOON_MS] = [5000, 2000];
  const FOCUSABLE = "a[href], button, input, select, summary, [tabindex]";
  let timer = 0;
  let focused = -1;
  const poller = () => document.getElementById("live");
  const parts = () => [...document.querySelectorAll("[data-live]")];
  const ask = () => {
    timer = 0;
    if (window.htmx && poller() && parts().length && !document.hidden) window.htmx.trigger(poller(), "live");
  };
  const schedule = () => {
    if (timer || !parts().length) return;
    timer = setTimeout(ask, document.querySelector("[data-live][data-soon]") ? SOON_MS : EVERY_MS);
  };
  const asks = (event) => event.detail.elt === poller();
  document.addEventListener("htmx:configRequest", (event) => {
    if (!asks(event)) return;
    for (const { dataset } of parts()) {
      const [name, ...key] = dataset.live.split("=");
      event.detail.formData.append(name, key.join("="));
    }
    event.detail.headers["If-None-Match"] = `"${parts().map(({ dataset }) => dataset.state).sort().join("~")}"`;
  });
  // What has changed fades in, but not where only details of it have: the first half of its state is the same.
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    const next = fragment.firstElementChild;
    if (!target.dataset.live || !next) return;
    const told = (element) => (element.dataset.state || "").split(".")[0];
    next.classList.toggle("live-changed", told(target) !== told(next));
    focused = [...target.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
  });
  document.addEventListener("htmx:oobAfterSwap", (event) => {
    if (focused < 0) return;
    document.getElementById(event.detail.target.id)?.querySelectorAll(FOCUSABLE)[focused]?.focus();
    focused = -1;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!asks(event)) return;
    if (event.detail.xhr.status === 286) for (const part of parts()) part.removeAttribute("data-live");
    schedule();
  });
  // What htmx puts into the page may have parts of its own.
  document.addEventListener("htmx:afterSettle", schedule);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    clearTimeout(timer);
    ask();
  });
  document.addEventListener("DOMContentLoaded", schedule);
})();
