// Forms with data-keeps are saved one by one: what was typed and not saved yet is marked, and is not lost by leaving.
(() => {
  "use strict";

  const unsaved = () => [...document.querySelectorAll("[data-keeps][data-unsaved]")];

  function mark(event) {
    event.target.closest?.("[data-keeps]")?.setAttribute("data-unsaved", "");
  }

  document.addEventListener("input", mark);
  document.addEventListener("change", mark);
  // without htmx a form leaves with the page; it is the one that is being saved
  document.addEventListener("submit", (event) => event.target.removeAttribute("data-unsaved"));
  window.addEventListener("beforeunload", (event) => unsaved().length && event.preventDefault());

  // A signature counts for the whole record: what is not saved would be missing from it.
  document.addEventListener("submit", (event) => {
    const first = event.target.matches("[data-needs-all-saved]") && unsaved()[0];
    if (!first) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    document.getElementById("not-saved").hidden = false;
    first.scrollIntoView({ block: "center" });
    first.querySelector("input:not([type=hidden]), select, textarea").focus();
  }, true);
})();
