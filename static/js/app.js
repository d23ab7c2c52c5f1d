// What every page does beyond its HTML: notes, shortcuts, dialogs, focus, and no form sent twice.
(() => {
  "use strict";

  const stored = {
    get(key) { try { return localStorage.getItem(key); } catch { return null; } },
    set(key, value) {
      try { value === null ? localStorage.removeItem(key) : localStorage.setItem(key, value); } catch { /* not kept, that is all */ }
    },
  };

  // --- Notes -------------------------------------------------------------------------------------------------------
  const toasts = document.getElementById("toasts");

  function toast(kind, text) {
    const note = document.getElementById(`toast-${kind}`).content.cloneNode(true).firstElementChild;
    note.querySelector(".alert-text").textContent = text;
    note.querySelector("[data-toast-close]").addEventListener("click", () => note.remove());
    toasts.append(note);
    if (kind === "success") setTimeout(() => note.remove(), 8000);
  }

  // A view asks for a note with the header HX-Trigger: {"toast": {"kind": "success", "text": "…"}}
  document.addEventListener("toast", (event) => toast(event.detail.kind, event.detail.text));
  document.addEventListener("htmx:sendError", () => toast("error", toasts.dataset.network));
  document.addEventListener("htmx:timeout", () => toast("error", toasts.dataset.network));
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    const reason = status >= 500 ? "server" : { 403: "forbidden", 404: "missing" }[status] || "other";
    toast("error", toasts.dataset[reason]);
  });

  // An answer that is a whole page (the door, after a session ended) is not squeezed into a fragment's place.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { status, responseText } = event.detail.xhr;
    if (status < 400 && /^\s*<!doctype/i.test(responseText)) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });

  // --- A page that the browser kept in its memory may show what it may no longer see: it is asked for anew ------------
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());

  // --- Nothing is sent twice ---------------------------------------------------------------------------------------
  const busy = new Set();
  const buttonsOf = (part) => (part.matches("form") ? part.querySelectorAll("button:not([type=button])") : [part]);

  function hold(part) {
    busy.add(part);
    buttonsOf(part).forEach((button) => {
      button.setAttribute("aria-disabled", "true");
      button.setAttribute("aria-busy", "true");
    });
  }

  function release(part) {
    busy.delete(part);
    buttonsOf(part).forEach((button) => {
      button.removeAttribute("aria-disabled");
      button.removeAttribute("aria-busy");
    });
  }

  function stopIf(isRepeat, event) {
    if (!isRepeat) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  window.addEventListener("submit", (event) => stopIf(busy.has(event.target), event), true);
  window.addEventListener("click", (event) => stopIf(event.target.closest?.("[aria-busy=true]"), event), true);
  window.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && event.target.method !== "dialog") hold(event.target);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    if (requestConfig.verb !== "get" && ["submit", "click"].includes(requestConfig.triggeringEvent?.type)) hold(elt);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (busy.has(event.detail.elt)) release(event.detail.elt);
  });
  window.addEventListener("pageshow", () => [...busy].forEach(release));

  // --- Focus: the first mistake, else the heading of what has just opened --------------------------------------------
  const MISTAKE = "[aria-invalid=true], .is-invalid, .alert[role=alert][tabindex]";

  function focusMistake(within) {
    const mistake = within.querySelector(MISTAKE);
    if (mistake) (mistake.matches(".segmented, fieldset") ? mistake.querySelector("input") : mistake).focus();
    return Boolean(mistake);
  }

  document.addEventListener("DOMContentLoaded", () => focusMistake(document));
  document.addEventListener("htmx:afterSettle", (event) => {
    const part = event.detail.elt;
    if (part.isConnected && !focusMistake(part)) part.querySelector("[data-focus]")?.focus();
  });

  // --- Dialogs -----------------------------------------------------------------------------------------------------
  // hx-target="#dialog" fills and opens the page's dialog; an empty answer closes it.
  document.addEventListener("htmx:afterSwap", (event) => {
    const dialog = event.detail.target;
    if (dialog.id !== "dialog") return;
    if (!dialog.childElementCount) dialog.close();
    else if (!dialog.open) dialog.showModal();
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog-open]");
    if (opener) document.getElementById(opener.dataset.dialogOpen).showModal();
    if (event.target.closest("[data-dialog-close]")) event.target.closest("dialog").close();
  });

  // --- Appearance --------------------------------------------------------------------------------------------------
  const themes = document.querySelector("[data-theme-choice]");
  if (themes) {
    themes.querySelector(`[value="${stored.get("theme") || "system"}"]`).checked = true;
    themes.addEventListener("change", (event) => {
      stored.set("theme", event.target.value === "system" ? null : event.target.value);
      document.dispatchEvent(new Event("theme:changed"));
    });
  }

  // --- Shortcuts: an element's aria-keyshortcuts is the key that focuses or presses it -------------------------------
  const shortcutsOn = document.getElementById("shortcuts-on");
  if (shortcutsOn) {
    shortcutsOn.checked = stored.get("shortcuts") !== "off";
    shortcutsOn.addEventListener("change", () => stored.set("shortcuts", shortcutsOn.checked ? null : "off"));
  }

  document.addEventListener("keydown", (event) => {
    if (!shortcutsOn?.checked || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog, .dropdown-menu, [contenteditable]")) return;
    const wanted = document.querySelector(`[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
    if (!wanted) return;
    event.preventDefault();
    if (wanted.matches("input")) wanted.focus();
    else wanted.click();
  });

  // --- The side bar ------------------------------------------------------------------------------------------------
  const side = document.getElementById("side");
  const find = document.getElementById("find");
  if (side) {
    let focusNext = null;
    side.addEventListener("show.bs.offcanvas", (event) => { focusNext = event.relatedTarget?.dataset.thenFocus; });
    side.addEventListener("shown.bs.offcanvas", () => focusNext && document.querySelector(focusNext).focus());

    const results = document.getElementById("find-results");
    find.form.addEventListener("keydown", (event) => {
      const links = [...results.querySelectorAll("a")];
      const at = links.indexOf(document.activeElement);
      if (event.key === "ArrowDown" && links.length) links[Math.min(at + 1, links.length - 1)].focus();
      else if (event.key === "ArrowUp" && at >= 0) (links[at - 1] || find).focus();
      else if (event.key === "Escape" && (find.value || links.length)) {
        find.value = "";
        results.replaceChildren();
        find.focus();
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });
    document.addEventListener("click", (event) => {
      if (!find.form.contains(event.target)) results.replaceChildren();
    });
  }
})();
