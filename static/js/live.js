// A day that others change too: every few seconds its page asks whether it still looks as it did. Not while that would
// disturb whoever works on it, and with one note, not many, while the clinic cannot be reached.
(() => {
  "use strict";

  const EVERY_MS = 4000;
  const day = document.querySelector("[data-live]");
  if (!day) return;

  const typed = new Set();
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.closest("#panel")) typed.add(form);
  });
  const isTyping = () => [...typed].some((form) => form.isConnected || !typed.delete(form));
  const isDisturbing = () => document.hidden || isTyping() || document.querySelector("dialog[open], .htmx-request");
  const ask = () => isDisturbing() || htmx.trigger(day, "poll");

  setInterval(ask, EVERY_MS);
  document.addEventListener("visibilitychange", ask);

  day.addEventListener("htmx:configRequest", (event) => {
    if (event.target === day) event.detail.parameters.seen = day.querySelector("[data-seen]")?.dataset.seen;
  });

  // What is swapped keeps its place on the screen; the focus is kept by its id.
  const isPoll = (event) => event.detail.requestConfig?.triggeringEvent?.type === "poll";
  let top = 0;
  day.addEventListener("htmx:beforeSwap", () => { top = day.scrollTop; });
  day.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== day) return;
    day.scrollTop = top;
    if (isPoll(event)) day.dispatchEvent(new Event("day-redrawn"));
  });

  let isLost = false;
  for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
    day.addEventListener(failure, (event) => {
      if (!isPoll(event)) return;
      if (isLost) event.stopPropagation();
      isLost = true;
    });
  }
  day.addEventListener("htmx:afterOnLoad", () => { isLost = false; });
})();
