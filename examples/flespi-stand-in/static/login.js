"use strict";
(() => {
  const told = document.getElementById("told");
  const tell = (text) => { told.textContent = text; };
  const button = document.getElementById("log-in");

  document.getElementById("cancel").addEventListener("click", () => window.close());

  document.getElementById("login").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!window.opener) {
      tell("No page has opened this window, so there is nobody to give a token to.");
      return;
    }
    button.disabled = true;
    try {
      const answer = await fetch("/stand-in/login", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ region: document.getElementById("region").value }),
      });
      if (!answer.ok) throw new Error("refused");
      const login = await answer.json();
      // flespi names no addressee either: the page that listens has to look where a message comes from.
      window.opener.postMessage("FlespiLogin|token:" + JSON.stringify(login), "*");
      tell("You are logged in.");
      window.close();
    } catch {
      button.disabled = false;
      tell("The login failed. Try again.");
    }
  });
})();
