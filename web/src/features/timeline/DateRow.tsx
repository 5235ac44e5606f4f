import { t, useLocale } from "../../app/i18n";
import { dayOf } from "./rows";

const DAY = 86_400_000;

/** A day on which something was said. */
export function DateRow({ day }: { readonly day: string }) {
  const locale = useLocale();
  return (
    <div className="date-row" role="separator">
      <time dateTime={day}>{title(day, locale)}</time>
    </div>
  );
}

/** The day of what is in view, over it. */
export function StickyDate({ day }: { readonly day: string }) {
  const locale = useLocale();
  return (
    <div className="sticky-date" aria-hidden="true">
      <span>{title(day, locale)}</span>
    </div>
  );
}

function title(day: string, locale: string): string {
  const today = new Date();
  if (day === dayOf(today.toISOString())) return t("Today");
  if (day === dayOf(new Date(today.getTime() - DAY).toISOString())) return t("Yesterday");
  const date = new Date(`${day}T12:00:00`);
  const year = date.getFullYear() === today.getFullYear() ? undefined : "numeric";
  return date.toLocaleDateString(locale, { weekday: "long", day: "numeric", month: "long", year });
}
