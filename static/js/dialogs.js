// [data-opens="id"] opens the <dialog> with that id, and is hidden without JavaScript.
// [data-close] inside a <dialog> closes it, and so does a click beside it.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-opens]")) button.hidden = false;
});
document.addEventListener("click", (event) => {
  const opens = event.target.closest("[data-opens]");
  if (opens) return document.getElementById(opens.dataset.opens)?.showModal();
  if (event.target.closest("[data-close]")) {
    event.target.closest("dialog")?.close();
  } else if (event.target.nodeName === "DIALOG") {
    event.target.close();
  }
});
