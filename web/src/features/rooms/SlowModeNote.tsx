import { t } from "../../app/i18n";
import type { Room } from "../../wire/types";
import { clock } from "./clock";
import { duration } from "./RoomEditor";
import { type SlowMode, useSlowMode } from "./useSlowMode";

/** How long slow mode takes yet, beside where one writes. What is sent meanwhile goes out by itself. */
export function SlowModeNote({ room }: { readonly room: Room }) {
  const slow = useSlowMode(room);
  if (!slow) return null;
  return (
    <span className="slow-mode" role="timer" dir="auto">
      {words(slow, room.slow_mode_ms)}
    </span>
  );
}

function words({ wait, isWaiting }: SlowMode, pause: number): string {
  if (wait === 0) return t("Slow mode: {pause}", { pause: duration(pause / 1_000) });
  const time = clock(wait);
  return isWaiting
    ? t("Slow mode: your message goes out in {time}", { time })
    : t("Slow mode: you can write again in {time}", { time });
}
