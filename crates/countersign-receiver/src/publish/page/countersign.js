// Keeps a page fresh without a reload: fetches it again and puts the new figures in place.
"use strict";
(() => {
  const everyMs = 5000;
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const open = [...document.querySelectorAll("details[open][id]")].map((d) => d.id);
      const focused = document.activeElement && document.activeElement.closest("main a, main summary, main [tabindex]");
      for (const id of open) fresh.getElementById(id)?.setAttribute("open", "");
      // A person who reads with the keyboard keeps their place until they move on.
      if (!focused && !String(getSelection())) {
        document.querySelector("main").replaceWith(fresh.querySelector("main"));
      }
      document.querySelector(".asof").replaceWith(fresh.querySelector(".asof"));
      document.title = fresh.title;
    } catch {
      document.querySelector(".asof").classList.add("stale");
    }
  };
  setInterval(refresh, everyMs);
  document.addEventListener("visibilitychange", refresh);
})();
