/**
 * Run the page again when the system changes between light and dark: Streamlit changes its own
 * colors at once, those that the server writes into styles and charts come with the next run.
 */

/** @param {{ setTriggerValue: (name: string, value: string) => void }} run */
export default function ({ setTriggerValue }) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // After Streamlit has taken over the scheme, which it sends with the run.
  const run = () => setTimeout(() => setTriggerValue("changed", dark.matches ? "dark" : "light"));
  dark.addEventListener("change", run);
  return () => dark.removeEventListener("change", run);
}
