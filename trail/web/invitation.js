/** The invitation page: who it is for, and the form for setting a password. */

const ADDRESS = "/auth/invitation";
// In the fragment, which browsers never send, so that it is in no log of a server or proxy.
const secret = window.location.hash.slice(1);

/** @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${id}`);
  return found;
}

const form = element("form", HTMLFormElement);
const problem = element("problem", HTMLElement);
const about = element("about", HTMLElement);

/** @param {Record<string, string>} body @returns {Promise<Record<string, string>>} */
async function post(body) {
  const response = await fetch(ADDRESS, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ secret, ...body }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error([answer.error, answer.hint].filter(Boolean).join(" "));
  return answer;
}

/** @param {unknown} error */
function explain(error) {
  problem.textContent =
    error instanceof Error && !(error instanceof TypeError)
      ? error.message
      : "The server cannot be reached. Try again.";
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const password = element("password", HTMLInputElement).value;
  problem.textContent = "";
  if (password !== element("repeated", HTMLInputElement).value) {
    problem.textContent = "The passwords do not match.";
    return;
  }
  const button = form.querySelector("button");
  if (button) button.disabled = true;
  try {
    await post({ name: element("name", HTMLInputElement).value, password });
    form.hidden = true;
    about.textContent = "Your password is set.";
    element("done", HTMLElement).hidden = false;
    window.history.replaceState(null, "", ADDRESS);
  } catch (error) {
    explain(error);
  } finally {
    if (button) button.disabled = false;
  }
});

async function start() {
  try {
    const found = await post({});
    about.textContent = found.about ?? "";
    element("username", HTMLInputElement).value = found.username ?? "";
    element("name", HTMLInputElement).value = found.name ?? "";
    form.hidden = false;
  } catch (error) {
    about.hidden = true;
    explain(error);
  }
}

start();
