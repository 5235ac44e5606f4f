import { useQuery } from "@tanstack/react-query";
import { useRoomLog } from "../../app/conversation";
import { closeDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { Avatar } from "../../ui/Avatar";
import { Dialog } from "../../ui/Dialog";
import { NotLoaded } from "../../ui/NotLoaded";
import type { ReactionList } from "../../wire/types";
import { nameOf, usePerson } from "../people/people";
import { api } from "../session/session";

/** People named for one emoji; of more, the number is told. */
const LISTED = 200;

/** Who put which emoji under a message. */
export default function ReactionsDialog({
  room,
  message: id,
}: {
  readonly room: string;
  readonly message: string;
}) {
  const message = useRoomLog(room).room?.timeline.byId(id);
  return (
    <Dialog title={t("Reactions")} onClose={closeDialog}>
      {message?.reactions.map(({ emoji, count }) => (
        <Group key={emoji} room={room} message={id} emoji={emoji} count={count} />
      ))}
      {!message?.reactions.length && <p>{t("Nobody has reacted.")}</p>}
    </Dialog>
  );
}

interface Props {
  readonly room: string;
  readonly message: string;
  readonly emoji: string;
  readonly count: number;
}

function Group({ room, message, emoji, count }: Props) {
  const query = useQuery({
    queryKey: ["reactions", message, emoji, count],
    queryFn: () =>
      api.ask<ReactionList>(`rooms/${room}/messages/${message}/reactions`, {
        query: { emoji, limit: LISTED },
      }),
  });
  const { data } = query;
  const more = count - (data?.users.length ?? count);
  return (
    <section>
      <h3 className="field-label">
        {emoji} · {count}
      </h3>
      <NotLoaded query={query} />
      <ul className="people-found">
        {data?.users.map((user) => (
          <Person key={user} id={user} />
        ))}
      </ul>
      {more > 0 && <p className="field-hint">{t("and {more} more", { more })}</p>}
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
