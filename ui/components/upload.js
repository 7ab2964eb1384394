/** A file upload in parts, with the results of its dry run or import. */

import { button, el, formatNumber, icon, plain, setAttr, setText, show, valueSpan } from "./dom.js";
import { component, renderRows } from "./rows.js";

/** @typedef {import("./rows.js").Queue} Queue */
/** @typedef {{ key: string, text: string, label: string }} Count */
/** @typedef {{ key: string, place: string, text: string, sample: string }} Reason */
/**
 * @typedef {{
 *   accept: string, name: string, size: string, title: string, share: number | null,
 *   counts: Count[], reasons: Reason[], note: string, locked: boolean,
 * }} UploadData
 */
/** @typedef {ReturnType<typeof build>} Upload */

/** Delays in ms before a failed part is sent again. */
const RETRIES = [500, 2000, 5000];

class UploadError extends Error {}

export default component(build, update);

/** @param {Element} parent @param {Queue} queue */
function build(parent, queue) {
  const input = el("input", "file", {
    type: "file",
    "aria-label": "Choose a file",
    tabindex: "-1",
  });
  const name = valueSpan("name file-name");
  const size = el("span", "second");
  const choose = button("link choose");
  const cancel = button("link choose", {}, "Cancel");
  const page = icon("M4 1.5h5l3 3v10H4z", "M9 1.5v3h3");
  const zone = el("div", "zone", {}, page, name, size, choose, cancel, input);
  const title = el("h3");
  const fill = el("i");
  const bar = el(
    "div",
    "bar",
    { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" },
    fill,
  );
  const counts = el("div", "counts");
  const reasons = el("div", "reasons");
  const note = el("p", "second note");
  const error = el("p", "error", { role: "alert" });
  parent.append(el("div", "root", {}, zone, error, title, bar, counts, reasons, note));
  const state = {
    ...{
      queue,
      input,
      name,
      size,
      choose,
      cancel,
      zone,
      title,
      fill,
      bar,
      counts,
      reasons,
      note,
      error,
    },
    data: /** @type {UploadData | null} */ (null),
    sending: /** @type {AbortController | null} */ (null),
  };
  choose.addEventListener("click", () => input.click());
  cancel.addEventListener("click", () => state.sending?.abort());
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    input.value = "";
    if (file) void send(state, file);
  });
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    if (!state.sending) zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const file = event.dataTransfer?.files[0];
    if (file && !state.sending && !state.data?.locked) void send(state, file);
  });
  return state;
}

/** @param {Upload} state @param {UploadData} data */
function update(state, data) {
  state.data = data;
  setAttr(state.input, "accept", data.accept);
  if (!state.sending) draw(state, data);
}

/** @param {Upload} state @param {UploadData} data */
function draw(state, data) {
  setText(state.name, data.name || "Drop a file here");
  setAttr(state.name, "class", data.name ? "name file-name" : "name second");
  setText(state.size, data.size);
  setText(state.choose, data.name ? "Choose another" : "Choose a file");
  show(state.choose, !data.locked);
  show(state.cancel, false);
  setText(state.title, data.title);
  show(state.title, data.title !== "");
  drawBar(state, data.share);
  renderRows(state.counts, data.counts, (count) => count.key, createCount, updateCount);
  show(state.counts, data.counts.length > 0);
  renderRows(state.reasons, data.reasons, (reason) => reason.key, createReason, updateReason);
  show(state.reasons, data.reasons.length > 0);
  setText(state.note, data.note);
  show(state.note, data.note !== "");
}

/** @param {Upload} state @param {number | null} share from 0 to 1, or null without a bar */
function drawBar(state, share) {
  show(state.bar, share !== null);
  const percent = Math.round(100 * (share ?? 0));
  state.fill.style.width = `${percent}%`;
  setAttr(state.bar, "aria-valuenow", percent);
  setAttr(state.bar, "aria-label", state.data?.title || "Upload");
}

function createCount() {
  const text = el("strong");
  const label = el("span", "second");
  return { node: el("div", "tile", {}, text, label), text, label };
}

/** @param {ReturnType<typeof createCount>} view @param {Count} count */
function updateCount(view, count) {
  setText(view.text, count.text);
  setText(view.label, count.label);
}

function createReason() {
  const place = el("span", "second place");
  const text = valueSpan("why");
  const sample = valueSpan("sample second");
  return { node: el("div", "reason", {}, place, text, sample), place, text, sample };
}

/** @param {ReturnType<typeof createReason>} view @param {Reason} reason */
function updateReason(view, reason) {
  setText(view.place, reason.place);
  setText(view.text, reason.text);
  setText(view.sample, reason.sample);
  setAttr(view.sample, "title", plain(reason.sample));
  show(view.sample, reason.sample !== "");
}

/** Send a file in parts and report it. @param {Upload} state @param {File} file */
async function send(state, file) {
  const { data } = state;
  if (!data) return;
  const sending = new AbortController();
  state.sending = sending;
  setText(state.error, "");
  draw(state, { ...data, ...EMPTY, name: file.name, title: "Uploading", share: 0, locked: true });
  show(state.cancel, true);
  try {
    const query = new URLSearchParams({ name: file.name, size: String(file.size) });
    const begun = await post(`?${query}`, null, sending.signal);
    const step = Number(begun.part_bytes) || 1;
    for (let at = 0; at < file.size; ) {
      const part = file.slice(at, at + step);
      const place = `/${encodeURIComponent(String(begun.id))}?offset=${at}`;
      at = Number((await post(place, part, sending.signal)).received) || file.size;
      setText(state.size, `${formatNumber(Math.round(at / 1e4) / 100)} MB`);
      drawBar(state, at / file.size);
    }
  } catch (problem) {
    const text = problem instanceof UploadError ? problem.message : "The upload was interrupted.";
    if (!sending.signal.aborted) setText(state.error, text);
  }
  state.sending = null;
  draw(state, state.data || data);
  state.queue.send({ id: "uploaded" });
}

const EMPTY = { size: "", counts: [], reasons: [], note: "" };

/**
 * Return the response; a part that did not arrive is sent again.
 *
 * @param {string} place Below the route of uploads.
 * @param {Blob | null} body
 * @param {AbortSignal} signal
 * @returns {Promise<Record<string, unknown>>}
 */
async function post(place, body, signal) {
  for (let attempt = 0; ; attempt += 1) {
    const sent = { method: "POST", body, signal };
    const response = await fetch(`/uploads${place}`, sent).catch(() => null);
    if (signal.aborted) throw new UploadError("");
    if (response?.ok) return response.json();
    const isFinal = response !== null && response.status < 500 && response.status !== 408;
    const pause = RETRIES[attempt];
    if (isFinal || pause === undefined) {
      const answer = await response?.json().catch(() => null);
      throw new UploadError(
        answer?.error ? `${answer.error} ${answer.hint || ""}` : "The server cannot be reached.",
      );
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
