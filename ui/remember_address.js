/** Keep the requested address in this tab while the identity provider signs the user in. */

/** @param {{ data: { key: string } }} run */
export default function ({ data }) {
  window.sessionStorage.setItem(data.key, window.location.pathname + window.location.search);
}
