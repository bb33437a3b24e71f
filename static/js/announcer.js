// Says to screen readers what changed out of sight: the [data-announce] of a list that was swapped, and
// the text of an "announce" event. A live region that is swapped itself is not read out.
(() => {
  const say = (text) => {
    const region = document.getElementById("announcer");
    if (region && text) region.textContent = text.replace(/\s+/g, " ");
  };
  // Not what a page polls for: nobody asked for that.
  const polls = (element) => (element?.getAttribute("hx-trigger") || "").includes("every");
  document.addEventListener("announce", (event) => say(event.detail));
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!polls(event.detail.requestConfig?.elt)) say(event.detail.elt.dataset.announce);
  });
})();
