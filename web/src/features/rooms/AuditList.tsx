import { useQuery } from "@tanstack/react-query";
import { t, useLanguage } from "../../app/i18n";
import type { AuditEntry, AuditList as List } from "../../wire/types";
import { ago } from "../people/PersonLine";
import { nameOf, usePerson } from "../people/people";
import { api } from "../session/session";

/** What those who keep order have done in a room. */
export function AuditList({ room }: { readonly room: string }) {
  const { data } = useQuery({
    queryKey: ["audit", room],
    queryFn: () => api.ask<List>(`rooms/${room}/audit`, { query: { limit: 20 } }),
  });
  if (!data || data.entries.length === 0) return null;
  return (
    <details className="more details-part">
      <summary>{t("What was done here")}</summary>
      <ul className="audit">
        {data.entries.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ul>
    </details>
  );
}

function Entry({ entry }: { readonly entry: AuditEntry }) {
  const language = useLanguage();
  const actor = nameOf(usePerson(entry.actor));
  return (
    <li>
      <strong dir="auto">{actor}</strong> {words(entry)}
      {entry.user && (
        <>
          {" "}
          <Target user={entry.user} />
        </>
      )}
      {entry.reason && <span dir="auto">: {entry.reason}</span>}
      <time className="field-hint" dateTime={entry.at}>
        {" "}
        {ago(Date.parse(entry.at), language)}
      </time>
    </li>
  );
}

function Target({ user }: { readonly user: string }) {
  return <strong dir="auto">{nameOf(usePerson(user))}</strong>;
}

function words({ action, detail }: AuditEntry): string {
  const plain = action.replaceAll("_", " ");
  return detail ? `${plain} (${detail})` : plain;
}
