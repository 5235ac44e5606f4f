// The options that all scenarios share.

import { promises, SUMMARY, UNBROKEN } from "./metrics.js";

/**
 * One run of the default function in each of `vus` virtual users, for about `duration` milliseconds,
 * by so many `clients` of whom each is verified at the end. `broken`: connections may break.
 */
export function once({ vus, clients, duration, thresholds = {}, broken = false }) {
  return {
    scenarios: {
      once: {
        executor: "per-vu-iterations",
        vus,
        iterations: 1,
        // Past it the run has failed, since not everybody was verified.
        maxDuration: `${Math.ceil(duration / 1000) + 120}s`,
      },
    },
    setupTimeout: "15m",
    summaryTrendStats: SUMMARY,
    thresholds: {
      ...promises(clients),
      ...(broken ? {} : UNBROKEN),
      ...thresholds,
    },
  };
}
