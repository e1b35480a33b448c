// Judges what waits, with the keyboard alone: j and k move, a letter chooses the verdict, Enter
// sends it with the minutes and the reason.
"use strict";
(() => {
  const verdicts = { a: "accepted", e: "edited", r: "rejected", h: "escalated", w: "withdrawn" };
  let chosen = null;

  const rows = () => [...document.querySelectorAll("ol.inbox > li")];
  const current = () => document.activeElement?.closest("ol.inbox > li");
  const tell = (text) => { document.getElementById("told").textContent = text; };

  const move = (by) => {
    const all = rows();
    const from = all.indexOf(current());
    all[Math.min(Math.max(from < 0 ? 0 : from + by, 0), all.length - 1)]?.focus();
  };

  const ask = (row, state) => {
    chosen = { row, state, task: row.dataset.task };
    document.getElementById("asked").textContent = `${state}: ${chosen.task}`;
    document.getElementById("minutes").value = "";
    document.getElementById("reason").value = "";
    document.getElementById("ask").showModal();
    document.getElementById("minutes").focus();
  };

  const send = async () => {
    const { row, state, task } = chosen;
    const minutes = document.getElementById("minutes").value;
    const reason = document.getElementById("reason").value.trim();
    const verdict = {
      id: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`,
      task,
      state,
      source: { kind: "human", system: "inbox" },
    };
    if (minutes !== "") verdict.review_seconds = Math.round(Number(minutes) * 60);
    if (reason !== "") verdict.reason = reason;
    const answer = await fetch("/api/v1/verdicts", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(verdict),
    }).catch(() => null);
    document.getElementById("ask").close();
    if (answer?.ok) {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      next?.focus();
      tell(`${task}: ${state}`);
    } else {
      const problem = await answer?.json().catch(() => null);
      row.focus();
      tell(`Not taken: ${problem?.detail ?? "the program does not answer"}`);
    }
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.getElementById("ask")?.open) return;
    const row = current();
    if (event.key === "j" || event.key === "ArrowDown") move(1);
    else if (event.key === "k" || event.key === "ArrowUp") move(-1);
    else if (event.key === "o" && row) row.querySelector("a.work").click();
    else if (verdicts[event.key] && row) ask(row, verdicts[event.key]);
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-state]");
    if (button) ask(button.closest("li"), button.dataset.state);
  });
  document.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  document.addEventListener("close", (event) => {
    if (event.target.id === "ask" && chosen?.row.isConnected) chosen.row.focus();
  }, true);
})();
