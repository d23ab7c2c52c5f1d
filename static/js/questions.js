// Asks a question only where it applies: data-ask-if="Q19=laser & protocol= protocol=melasma" needs one of the
// alternatives of each part; without a value it means that nothing is chosen there, with a + more than one thing.
(() => {
  "use strict";

  function showWhatFollows() {
    document.querySelectorAll("[data-ask-if]").forEach((question) => {
      const given = new FormData(question.closest("form"));
      const holds = (condition) => {
        const [name, value] = condition.split("=");
        const values = given.getAll(name).filter(Boolean);
        if (value === "+") return values.length > 1;
        return value ? values.includes(value) : !values.length;
      };
      question.hidden = !question.dataset.askIf.split(" & ").every((part) => part.split(" ").some(holds));
      // what is not asked is not sent either, and stays typed in case it is asked again
      question.querySelectorAll("input, textarea, select").forEach((field) => {
        field.disabled = Boolean(field.closest("[data-ask-if][hidden]"));
      });
    });
  }

  document.addEventListener("change", showWhatFollows);
  // before anything is focused, which would else move away as the page becomes shorter above it
  document.addEventListener("htmx:afterSettle", showWhatFollows, true);
  document.addEventListener("DOMContentLoaded", showWhatFollows);
})();
