// Says to screen readers what changed out of sight: the [data-announce] of what htmx has put into the page,
// and the text of an "announce" event. A live region that is swapped itself is not read out.
(() => {
  const say = (text) => {
    const region = document.getElementById("announcer");
    if (region && text) region.textContent = text.replace(/\s+/g, " ").trim();
  };
  // What changes every few seconds is not said before it is over.
  const polls = (element) => (element.getAttribute("hx-trigger") || "").includes("every");
  document.addEventListener("announce", (event) => say(event.detail));
  document.addEventListener("htmx:afterSettle", (event) => {
    const { elt } = event.detail;
    if (!polls(elt)) say(elt.dataset.announce);
  });
})();
