/**
 * Reload a tab whose session has ended, which shows the sign-in form in place of stale data.
 *
 * Input by the user counts as use of the session; the reruns of a page that refreshes itself do not.
 */

const CHECK_MS = 60_000;
const MIN_INTERVAL_MS = 2000;

/** @param {{ data: { path: string } }} run */
export default function ({ data }) {
  const tab = /** @type {Window & { trailSessionWatch?: boolean }} */ (window);
  if (tab.trailSessionWatch) return;
  tab.trailSessionWatch = true;
  let last = 0;
  let used = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const check = async () => {
    timer = undefined;
    last = Date.now();
    const method = used ? "POST" : "GET";
    used = false;
    const response = await fetch(data.path, { method, cache: "no-store" }).catch(() => null);
    if (response?.status === 401) window.location.reload();
  };
  // At most one check in two seconds, and always one after the last input.
  const schedule = () => {
    if (timer === undefined) {
      timer = setTimeout(check, Math.max(250, last + MIN_INTERVAL_MS - Date.now()));
    }
  };
  const markUsed = () => {
    used = true;
  };
  const options = { capture: true, passive: true };
  for (const type of ["click", "keydown", "wheel", "touchstart"]) {
    window.addEventListener(type, markUsed, options);
  }
  for (const type of ["click", "keydown", "focus"])
    window.addEventListener(type, schedule, options);
  setInterval(check, CHECK_MS);
}
