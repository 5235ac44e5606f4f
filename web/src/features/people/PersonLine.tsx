import { t, useLocale } from "../../app/i18n";
import type { Role, User } from "../../wire/types";
import "./person.css";

interface Props {
  readonly user: User;
  readonly role?: Role;
  /** Where namesakes must be told apart. */
  readonly withUsername?: boolean;
}

/** Somebody's name, with what they are and what they are doing. */
export function PersonLine({ user, role, withUsername = false }: Props) {
  const locale = useLocale();
  return (
    <span className="person-line">
      <span className="person-name" dir="auto">
        {user.display_name}
        {role && role !== "member" && <span className="person-role">{roleName(role)}</span>}
      </span>
      <span className="person-doing" dir="auto">
        {withUsername && `@${user.username} · `}
        {user.status_text || doing(user, locale)}
      </span>
    </span>
  );
}

/** What a role is called. */
export function roleName(role: Role): string {
  switch (role) {
    case "owner":
      return t("Owner");
    case "moderator":
      return t("Moderator");
    case "member":
      return t("Member");
  }
}

/** What somebody is doing, in words. */
export function doing({ status, last_seen }: User, locale: string): string {
  if (status === "online") return t("Online");
  if (status === "away") return t("Away");
  if (!last_seen) return t("Offline");
  return t("Last seen {ago}", { ago: ago(Date.parse(last_seen), locale) });
}

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** How long ago something was, in words. */
export function ago(at: number, locale: string): string {
  const seconds = Math.max(0, (Date.now() - at) / 1_000);
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
  for (const [unit, size] of UNITS) {
    if (seconds >= size) return format.format(-Math.floor(seconds / size), unit);
  }
  return format.format(0, "second");
}
