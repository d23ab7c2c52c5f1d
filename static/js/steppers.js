// Minus and plus beside a number: <div data-stepper><button data-step="-0.1">, <input data-first="0.5">, <button data-step="0.1">.
(() => {
  "use strict";

  function move(field, step) {
    const digits = (String(step).split(".")[1] || "").length;
    const now = parseFloat(field.value.replace(",", "."));
    const next = Number.isNaN(now) ? Number(field.dataset.first) : now + Number(step);
    const within = Math.min(Math.max(next, Number(field.dataset.least)), Number(field.dataset.most));
    field.value = within.toFixed(digits);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-step]");
    if (button) move(button.closest("[data-stepper]").querySelector("input"), button.dataset.step);
  });

  // The arrow keys do the same from within the field.
  document.addEventListener("keydown", (event) => {
    const stepper = event.target.closest?.("[data-stepper]");
    const at = { ArrowUp: 1, ArrowDown: 0 }[event.key];
    if (at === undefined || !event.target.matches("[data-stepper] input")) return;
    event.preventDefault();
    move(event.target, stepper.querySelectorAll("[data-step]")[at].dataset.step);
  });
})();
