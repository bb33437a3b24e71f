// A form whose button has data-pending is sent once: the button is off and says what it waits for. Back
// in the browser, the page is as it was.
(() => {
  const waiting = new Map();
  document.addEventListener("submit", (event) => {
    const button = event.submitter || event.target.querySelector("[data-pending]");
    if (waiting.has(event.target)) return event.preventDefault();
    if (event.defaultPrevented || !button?.dataset.pending) return;
    waiting.set(event.target, [button, button.innerHTML]);
    // After the form is read, of which a button that is off is no part.
    setTimeout(() => {
      button.disabled = true;
      button.textContent = button.dataset.pending;
      document.dispatchEvent(new CustomEvent("announce", { detail: button.dataset.pending }));
    });
  });
  addEventListener("pageshow", () => {
    for (const [button, was] of waiting.values()) {
      button.disabled = false;
      button.innerHTML = was;
    }
    waiting.clear();
  });
})();
