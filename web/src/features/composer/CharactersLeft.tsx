import { memo } from "react";
import { countGraphemes } from "./graphemes";

/** From this part of the limit on, what is left is shown. */
const NEAR_LIMIT = 0.9;

/** How much more fits, where that begins to matter. */
export const CharactersLeft = memo(function CharactersLeft({
  text,
  most,
}: {
  readonly text: string;
  readonly most: number;
}) {
  // There are never more graphemes than UTF-16 units: counting can wait.
  if (text.length <= most * NEAR_LIMIT) return null;
  const used = countGraphemes(text, most + 1_000);
  if (used <= most * NEAR_LIMIT) return null;
  const left = most - used;
  return (
    <span className="composer-left" data-over={left < 0 || undefined} role="status">
      {left}
    </span>
  );
});
