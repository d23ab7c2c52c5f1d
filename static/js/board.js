// The day board: where it opens, the panel, the arrow keys, the day to go to.
(() => {
  "use strict";

  const board = document.getElementById("board");
  const panel = document.getElementById("panel");
  const isPhone = matchMedia("(max-width: 767.98px)");

  const chosen = () => new URLSearchParams(location.search).get("appointment");
  const cardOf = (id) => id && document.getElementById(`visit-${id}`);

  // --- Where the board opens: now, else the first visit --------------------------------------------------------------
  const first = board.querySelector(".board-now") || board.querySelector(".visit");
  if (first && !isPhone.matches) board.scrollTop = first.offsetTop - board.clientHeight / 3;

  // --- The panel -----------------------------------------------------------------------------------------------------
  function mark() {
    board.querySelectorAll(".visit[aria-current]").forEach((card) => card.removeAttribute("aria-current"));
    const isOpen = panel.childElementCount > 0;
    if (isOpen) cardOf(chosen())?.setAttribute("aria-current", "true");
    board.inert = isOpen && isPhone.matches;
  }

  function close() {
    const card = cardOf(chosen());
    panel.replaceChildren();
    history.replaceState(null, "", `${board.dataset.url}?day=${board.dataset.day}`);
    mark();
    (card || board).focus();
  }

  document.addEventListener("htmx:afterSettle", mark);
  panel.addEventListener("click", (event) => event.target.closest("[data-panel-close]") && close());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || !panel.childElementCount) return;
    if (!event.target.closest("dialog, .side")) close();
  });

  mark();

  // --- When the visit in the panel has changed, the panel follows; the focus stays where it was ---------------------------
  const shown = () => cardOf(chosen())?.textContent;
  let before = shown();
  document.addEventListener("htmx:beforeSwap", () => { before = shown(); });
  board.addEventListener("day-redrawn", () => {
    const card = cardOf(chosen());
    if (!panel.childElementCount || !card || card.textContent === before) return;
    const focused = document.activeElement;
    htmx.ajax("GET", card.href, { target: "#panel", source: panel }).then(() => {
      setTimeout(() => document.contains(focused) && focused.focus(), 50);
    });
  });

  // --- Up and down, within a practitioner's column: visits and free quarters -------------------------------------------
  board.addEventListener("keydown", (event) => {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const column = event.target.closest(".board-column");
    if (!step || !column) return;
    const places = [...column.querySelectorAll(".visit, .board-slot")].filter((place) => place.offsetParent);
    places.sort((a, b) => a.offsetTop - b.offsetTop);
    places[places.indexOf(event.target) + step]?.focus();
    event.preventDefault();
  });

  // --- The day to go to: picked, at once; typed, with Enter or on leaving, for every digit on the way is a day too -------
  const day = document.getElementById("day");
  let isTyping = false;
  const go = () => day.value !== board.dataset.day && day.checkValidity() && day.form.requestSubmit();
  day.addEventListener("keydown", () => { isTyping = true; });
  day.addEventListener("pointerdown", () => { isTyping = false; });
  day.addEventListener("change", () => isTyping || go());
  day.addEventListener("blur", () => isTyping && go());
})();
