// An answer that is no part of the page never replaces one: a poll that fails shows the bar #poll-bar, and the page
// stays as it was. The bar hides once each poll that failed is answered.
(() => {
  // Else one that hangs would never fail, and keep the next one waiting.
  const TIMEOUT_MS = 15000;
  // The addresses of the polls whose last answer failed.
  const failing = new Set();
  const polls = (element) =>
    element.matches("[data-polls]") || (element.getAttribute("hx-trigger") || "").includes("every");
  const bar = () => document.getElementById("poll-bar");
  // Without a reason the server was not reached, or is not well, and it is tried again.
  const fail = (reason) => {
    const shown = bar();
    if (!shown) return;
    const [lost, ended] = [shown.querySelector("[data-lost]"), shown.querySelector("[data-ended]")];
    if (shown.hidden || (lost.hidden && !reason)) {
      const format = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: shown.dataset.zone };
      shown.querySelector("[data-since]").textContent = new Intl.DateTimeFormat("en-GB", format).format(new Date());
    }
    shown.querySelector("[data-reason]").textContent = reason;
    [lost.hidden, ended.hidden, shown.hidden] = [Boolean(reason), !reason, false];
  };
  const failPoll = (path, reason) => {
    failing.add(path);
    fail(reason);
  };
  const succeedPoll = (path) => {
    const polled = new Set([...document.querySelectorAll("[hx-get]")].map((each) => each.getAttribute("hx-get")));
    for (const each of [path, ...[...failing].filter((each) => !polled.has(each))]) failing.delete(each);
    if (bar() && !failing.size) bar().hidden = true;
    document.dispatchEvent(new Event("polled"));
  };
  // A document, or what a redirect led to, is another page: the login, an error, another product's.
  const isElsewhere = (xhr, config) =>
    /^\s*<(!doctype|html)/i.test(xhr.response) ||
    (xhr.responseURL && new URL(xhr.responseURL).pathname !== new URL(config.path, location.href).pathname);
  const leads = (xhr) => ["HX-Redirect", "HX-Refresh", "HX-Location"].some((name) => xhr.getResponseHeader(name));
  const reason = (status) => {
    if (status === 403 || status === 404) return "What it shows is not here for you any more.";
    return status < 400 ? "You are signed out, or work in another organization now." : "";
  };
  document.addEventListener("htmx:configRequest", (event) => {
    if (!polls(event.detail.elt)) return;
    event.detail.timeout ||= TIMEOUT_MS;
    // No activity of the person: see dashboard/sign_in_gate.py.
    event.detail.headers["X-Poll"] = "1";
  });
  // A page that nobody sees asks for nothing.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && polls(event.detail.elt)) event.preventDefault();
  });
  // Before htmx follows a header or reports an error.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { elt, xhr, requestConfig } = event.detail;
    if (!polls(elt)) return;
    if (xhr.status >= 400 || leads(xhr) || isElsewhere(xhr, requestConfig)) {
      event.preventDefault();
      failPoll(requestConfig.path, reason(xhr.status));
    } else {
      succeedPoll(requestConfig.path);
    }
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (!event.detail.boosted && event.detail.shouldSwap && isElsewhere(xhr, requestConfig)) {
      event.detail.shouldSwap = false;
      fail(reason(xhr.status));
    }
  });
  for (const lost of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(lost, (event) => {
      if (!polls(event.detail.elt)) return;
      event.stopImmediatePropagation();
      failPoll(event.detail.requestConfig.path, "");
    });
  }
  // Back and forward show the page as it is now, not as the browser kept it.
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
})();
