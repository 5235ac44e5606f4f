import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { explain } from "../../app/explain";
import { t, useLocale } from "../../app/i18n";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { NotLoaded } from "../../ui/NotLoaded";
import { toast } from "../../ui/Toasts";
import type { BanList as List } from "../../wire/types";
import { ago } from "../people/PersonLine";
import { api } from "../session/session";
import "./details.css";

/** Who may not come into a room, and how to let them in again. */
export function BanList({ room }: { readonly room: string }) {
  const locale = useLocale();
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: ["bans", room],
    queryFn: () => api.ask<List>(`rooms/${room}/bans`, { query: { limit: 200 } }),
  });
  const lift = useMutation({
    mutationFn: (user: string) => api.ask(`rooms/${room}/bans/${user}`, { method: "DELETE" }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["bans", room] }),
    onError: (error) => toast(explain(error)),
  });
  const { data } = query;
  if (!data) return <NotLoaded query={query} />;
  if (data.bans.length === 0) return null;
  return (
    <details className="more details-part">
      <summary>
        {t("Banned people")} · {data.bans.length}
      </summary>
      <ul className="bans">
        {data.bans.map(({ user, at, reason }) => (
          <li key={user.id}>
            <Avatar id={user.id} name={user.display_name} picture={user.avatar} size="small" />
            <span className="person-line">
              <span className="person-name" dir="auto">
                {user.display_name}
              </span>
              <span className="person-doing" dir="auto">
                {[ago(Date.parse(at), locale), reason].filter(Boolean).join(" · ")}
              </span>
            </span>
            <Button onPress={() => lift.mutate(user.id)}>{t("Lift")}</Button>
          </li>
        ))}
      </ul>
    </details>
  );
}
