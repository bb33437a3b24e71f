// [data-close] inside a <dialog> closes it, and so does a click beside it.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) {
    event.target.closest("dialog")?.close();
  } else if (event.target.nodeName === "DIALOG") {
    event.target.close();
  }
});
