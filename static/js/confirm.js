// [data-dialog="id"] opens that <dialog>; [data-close] inside closes it.
// Without JavaScript the link is followed.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog) {
    event.preventDefault();
    dialog.showModal();
  } else if (event.target.closest("[data-close]")) {
    event.target.closest("dialog")?.close();
  } else if (event.target.nodeName === "DIALOG") {
    event.target.close();
  }
});
