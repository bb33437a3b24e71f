// Toasts: success messages close after 8 s, errors and warnings stay until dismissed.
(() => {
  const box = () => document.querySelector(".toasts");
  const prepare = (toast) => {
    if (toast.dataset.ready) return;
    toast.dataset.ready = "yes";
    const close = document.createElement("button");
    close.type = "button";
    close.className = "toast-close";
    close.setAttribute("aria-label", "Dismiss");
    close.textContent = "×";
    close.addEventListener("click", () => toast.remove());
    toast.append(close);
    // What can be undone stays until then.
    if (!toast.matches(".toast-error, .toast-warning, :has(form)")) setTimeout(() => toast.remove(), 8000);
  };
  const say = (text, tone) => {
    const toast = document.createElement("div");
    toast.className = `toast toast-${tone}`;
    const words = document.createElement("p");
    words.textContent = text;
    toast.append(words);
    box()?.append(toast);
    prepare(toast);
  };
  const start = () => document.querySelectorAll("[data-toast]").forEach(prepare);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
  // Header `HX-Trigger: {"toast": "Saved."}`.
  document.addEventListener("toast", (event) => say(event.detail.value, "success"));
  document.addEventListener("htmx:sendError", () =>
    say("The server did not answer. Check the connection and try again.", "error"));
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (status === 403) say("Your role does not allow this, or the page is too old. Reload it and try again.", "error");
    else if (status === 404) say("This is no longer here. Reload the page.", "error");
    else say(`The server answered ${status}. Reload the page and try again.`, "error");
  });
})();
