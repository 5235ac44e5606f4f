import { useEffect, useLayoutEffect, useRef, useState } from "react";

/** How long a pointer rests before the words come, in milliseconds. */
const REST = 500;
/** The distance between a button and its words, and of words to the edge, in pixels. */
const GAP = 6;

/**
 * Shows the words of whatever has `data-tip`, under a resting pointer or at the keyboard's focus. One
 * for the whole page: a row of a long list costs nothing. Screen readers have the button's label.
 */
export function Tooltip() {
  const [owner, setOwner] = useState<HTMLElement>();
  const tip = useRef<HTMLDivElement>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hide = () => {
      clearTimeout(timer);
      setOwner(undefined);
    };
    const wait = (event: Event, delay: number) => {
      const found = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-tip]") : null;
      hide();
      if (found) timer = setTimeout(setOwner, delay, found);
    };
    const over = (event: PointerEvent) => {
      if (event.pointerType === "mouse") wait(event, REST);
    };
    const focus = (event: FocusEvent) => {
      if (event.target instanceof Element && event.target.matches(":focus-visible")) wait(event, 0);
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape") hide();
    };
    document.addEventListener("pointerover", over);
    document.addEventListener("pointerdown", hide);
    document.addEventListener("focusin", focus);
    document.addEventListener("focusout", hide);
    document.addEventListener("keydown", key);
    document.addEventListener("scroll", hide, { capture: true, passive: true });
    return () => {
      clearTimeout(timer);
      document.removeEventListener("pointerover", over);
      document.removeEventListener("pointerdown", hide);
      document.removeEventListener("focusin", focus);
      document.removeEventListener("focusout", hide);
      document.removeEventListener("keydown", key);
      document.removeEventListener("scroll", hide, { capture: true });
    };
  }, []);

  useLayoutEffect(() => {
    if (!owner || !tip.current) return;
    const at = owner.getBoundingClientRect();
    const own = tip.current.getBoundingClientRect();
    const below = at.bottom + GAP + own.height < window.innerHeight;
    const left = at.left + (at.width - own.width) / 2;
    const most = window.innerWidth - own.width - GAP;
    tip.current.style.top = `${below ? at.bottom + GAP : at.top - GAP - own.height}px`;
    tip.current.style.left = `${Math.max(GAP, Math.min(most, left))}px`;
  }, [owner]);

  if (!owner?.isConnected) return null;
  return (
    <div className="tooltip" ref={tip} aria-hidden="true">
      {owner.dataset.tip}
    </div>
  );
}
