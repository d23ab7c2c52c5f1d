// Shows a question that follows another only once it was answered so: data-ask-if="Q04=yes Q04=not_sure".
(() => {
  "use strict";

  function showWhatFollows() {
    document.querySelectorAll("[data-ask-if]").forEach((question) => {
      const form = question.closest("form");
      question.hidden = !question.dataset.askIf.split(" ").some((condition) => {
        const [name, value] = condition.split("=");
        return form.elements[name]?.value === value;
      });
    });
  }

  document.addEventListener("change", showWhatFollows);
  document.addEventListener("htmx:afterSettle", showWhatFollows);
  document.addEventListener("DOMContentLoaded", showWhatFollows);
})();
