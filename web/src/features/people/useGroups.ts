import { useEffect, useState } from "react";

/** How long rows stay where they are after the pointer has left them, in milliseconds. */
const SETTLES = 1_000;

/**
 * Who is listed among those who are here. It follows what people do, except while the list is held:
 * then only those who are new to it are put anywhere, and nobody jumps under the pointer.
 */
export function useGroups(here: ReadonlySet<string>, all: readonly string[], isHeld: boolean) {
  const [shown, show] = useState({ here, all: new Set(all) });
  const [isFree, setFree] = useState(true);
  useEffect(() => {
    if (isHeld) {
      setFree(false);
      return;
    }
    const timer = setTimeout(setFree, SETTLES, true);
    return () => clearTimeout(timer);
  }, [isHeld]);
  useEffect(() => {
    if (isFree) show({ here, all: new Set(all) });
  }, [isFree, here, all]);
  if (isFree) return here;
  return kept(here, shown);
}

/** The groups as they were, with newcomers where they belong. */
export function kept(
  here: ReadonlySet<string>,
  shown: { readonly here: ReadonlySet<string>; readonly all: ReadonlySet<string> },
): ReadonlySet<string> {
  return new Set([...shown.here, ...[...here].filter((user) => !shown.all.has(user))]);
}
