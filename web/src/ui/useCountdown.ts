import { useEffect, useState } from "react";

/** Seconds until a time of `performance.now()`, counting down; 0 from then on. */
export function useCountdown(until: number): number {
  const [now, look] = useState(() => performance.now());
  const left = Math.max(0, Math.ceil((until - now) / 1_000));
  useEffect(() => {
    look(performance.now());
    if (until <= performance.now()) return;
    const timer = setInterval(() => look(performance.now()), 250);
    const end = setTimeout(() => clearInterval(timer), until - performance.now() + 500);
    return () => {
      clearInterval(timer);
      clearTimeout(end);
    };
  }, [until]);
  return left;
}
