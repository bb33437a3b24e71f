// What a person opened, <details id="...">, stays open when a poll puts the same part of the page anew.
(() => {
  let open = [];
  const remember = () => (open = [...document.querySelectorAll("details[open][id]")].map(({ id }) => id));
  const reopen = () => open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:oobAfterSwap", reopen);
  document.addEventListener("htmx:afterSwap", reopen);
})();
