import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { closeDialog } from "../../app/dialogs";
import { explain } from "../../app/explain";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { NotLoaded } from "../../ui/NotLoaded";
import { useDebounced } from "../../ui/useDebounced";
import type { Room, User, UserList } from "../../wire/types";
import { remember } from "../rooms/rooms";
import { api, useMe } from "../session/session";
import { PersonLine } from "./PersonLine";
import { met } from "./people";

/** Others in one conversation at the most. */
const MOST = 9;

/** Opens a conversation with one person, or with a few. */
export default function DirectDialog() {
  const me = useMe();
  const queries = useQueryClient();
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<readonly User[]>([]);
  const q = useDebounced(query.trim());
  const found = useQuery({
    queryKey: ["users", q],
    queryFn: async () => {
      const { users } = await api.ask<UserList>("users", { query: { q, limit: 20 } });
      met(users);
      return users;
    },
  });
  const open = useMutation({
    mutationFn: (people: readonly User[]) => {
      const ids = people.map(({ id }) => id);
      return api.ask<Room>("direct", {
        method: "POST",
        body: ids.length === 1 ? { user: ids[0] } : { users: ids },
      });
    },
    onSuccess: (room) => {
      remember(queries, room);
      closeDialog();
      go({ page: "room", room: room.id, seq: undefined });
    },
  });
  const toggle = (user: User) => {
    const has = chosen.some(({ id }) => id === user.id);
    setChosen(has ? chosen.filter(({ id }) => id !== user.id) : [...chosen, user].slice(0, MOST));
  };
  const others = (found.data ?? []).filter(({ id }) => id !== me.id);
  return (
    <Dialog title={t("Message people")} onClose={closeDialog}>
      <input
        className="input"
        type="search"
        autoFocus
        placeholder={t("Name or user name")}
        aria-label={t("Name or user name")}
        value={query}
        onChange={({ currentTarget }) => setQuery(currentTarget.value)}
      />
      <ul className="people-found">
        {others.map((user) => (
          <li key={user.id}>
            <button
              type="button"
              className="person"
              aria-pressed={chosen.some(({ id }) => id === user.id)}
              onClick={() => toggle(user)}
            >
              <Avatar id={user.id} name={user.display_name} picture={user.avatar} status={user.status} />
              <PersonLine user={user} withUsername />
            </button>
          </li>
        ))}
        {found.data && others.length === 0 && <li className="field-hint">{t("Nobody is called that.")}</li>}
      </ul>
      <NotLoaded query={found} />
      {open.isError && (
        <p className="field-error" role="alert">
          {explain(open.error)}
        </p>
      )}
      <div className="dialog-actions">
        <Button onPress={closeDialog}>{t("Cancel")}</Button>
        <Button
          kind="primary"
          isDisabled={chosen.length === 0 || open.isPending}
          onPress={() => open.mutate(chosen)}
        >
          {chosen.length > 1 ? t("Open a conversation of {count}", { count: chosen.length + 1 }) : t("Open")}
        </Button>
      </div>
    </Dialog>
  );
}
