/** Events of the whole page that a component takes part in, and keys that no control takes. */

/** The event panel closed with the focus in it, which its list takes. */
export const PANEL_LEFT = "event-panel-left";
const TAKES_KEYS =
  "input:not([type=checkbox]), textarea, select, [role=dialog], [role=listbox], [role=menu]";

/**
 * Call `onEvent` for events of the whole page while `parent` is in it.
 *
 * @template {string} Name
 * @param {Element} parent
 * @param {boolean} capture before the element in question gets the event, instead of afterwards
 * @param {Name} name
 * @param {(event: Name extends keyof DocumentEventMap ? DocumentEventMap[Name] : Event) => void} onEvent
 */
export function listen(parent, capture, name, onEvent) {
  /** @param {any} event of that name */
  function listener(event) {
    // Nothing reports that a component was removed; the next event finds out.
    if (parent.isConnected) onEvent(event);
    else document.removeEventListener(name, listener, capture);
  }
  document.addEventListener(name, listener, capture);
}

/**
 * Return false while a text field, dialog or menu handles keys, or one is pressed with others.
 *
 * @param {KeyboardEvent} event
 */
export function isFree(event) {
  const target = event.composedPath()[0];
  const taken = target instanceof Element && target.closest(TAKES_KEYS);
  const isEditable = target instanceof HTMLElement && target.isContentEditable;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  return !taken && !isEditable && !document.querySelector("[role=dialog]");
}
