import { useQuery } from "@tanstack/react-query";
import { closeDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { Avatar } from "../../ui/Avatar";
import { Dialog } from "../../ui/Dialog";
import { NotLoaded } from "../../ui/NotLoaded";
import { ApiError } from "../../wire/http";
import type { SeenBy } from "../../wire/types";
import { nameOf, usePerson } from "../people/people";
import { api } from "../session/session";

/** Who has read a message, and whom it has only reached. */
export default function SeenDialog({ room, message }: { readonly room: string; readonly message: string }) {
  const query = useQuery({
    queryKey: ["seen", message],
    queryFn: () => api.ask<SeenBy>(`rooms/${room}/messages/${message}/seen`),
    staleTime: 0,
  });
  const { data, error } = query;
  const isTooLarge = error instanceof ApiError && error.code === "forbidden";
  return (
    <Dialog title={t("Seen by")} onClose={closeDialog}>
      {isTooLarge ? <p>{t("This room is too large to tell.")}</p> : <NotLoaded query={query} />}
      <Group title={t("Read")} users={data?.read ?? []} />
      <Group title={t("Delivered")} users={data?.delivered ?? []} />
      {data && data.read.length + data.delivered.length === 0 && <p>{t("Nobody yet.")}</p>}
    </Dialog>
  );
}

function Group({ title, users }: { readonly title: string; readonly users: readonly string[] }) {
  if (users.length === 0) return null;
  return (
    <section>
      <h3 className="field-label">
        {title} · {users.length}
      </h3>
      <ul className="people-found">
        {users.map((user) => (
          <Person key={user} id={user} />
        ))}
      </ul>
    </section>
  );
}

function Person({ id }: { readonly id: string }) {
  const user = usePerson(id);
  const name = nameOf(user);
  return (
    <li className="person">
      <Avatar id={id} name={name} picture={user?.avatar} size="small" /> <span dir="auto">{name}</span>
    </li>
  );
}
