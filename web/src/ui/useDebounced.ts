import { useEffect, useState } from "react";

/** How long a field must rest before its text counts, in milliseconds: the server is not asked for each letter. */
const REST = 250;

/** A text as it was when it last rested. An emptied field counts at once. */
export function useDebounced(text: string): string {
  const [rested, rest] = useState(text);
  useEffect(() => {
    if (text === "") {
      rest("");
      return;
    }
    const timer = setTimeout(rest, REST, text);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}
