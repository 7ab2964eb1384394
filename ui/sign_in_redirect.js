/** Exchange a sign-in code for a session cookie, then return to the requested address. */

/** @param {{ data: { code: string, path: string, key: string } }} run `key` of a kept address */
export default function ({ data }) {
  const here = window.location.pathname + window.location.search;
  const next = (data.key && window.sessionStorage.getItem(data.key)) || here;
  const query = new URLSearchParams({ code: data.code, next });
  window.location.replace(`${data.path}?${query}`);
}
