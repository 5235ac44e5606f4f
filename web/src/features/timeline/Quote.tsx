import { useQuery } from "@tanstack/react-query";
import { useRoomLog } from "../../app/conversation";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import type { Message } from "../../wire/types";
import { nameOf, usePerson } from "../people/people";
import { api } from "../session/session";
import { plainText } from "./plain";

/** A message that another one answers, from the log or from the server. */
export function useQuoted(room: string, id: string): { message: Message | undefined; isGone: boolean } {
  const known = useRoomLog(room).room?.timeline.byId(id);
  const { data, isError } = useQuery({
    queryKey: ["message", room, id],
    queryFn: () => api.ask<Message>(`rooms/${room}/messages/${id}`),
    enabled: known === undefined,
    staleTime: 60_000,
    retry: false,
  });
  return { message: known ?? data, isGone: isError };
}

/** The message that another one answers. */
export function Quote({ room, message: id }: { readonly room: string; readonly message: string }) {
  const { message, isGone } = useQuoted(room, id);
  if (!message) return <div className="quote">{isGone ? t("The message is not there any more.") : "…"}</div>;
  return (
    <button type="button" className="quote" onClick={() => go({ page: "room", room, seq: message.seq })}>
      <Quoted message={message} />
    </button>
  );
}

/** Who said what, on one line. */
export function Quoted({ message }: { readonly message: Message }) {
  const name = nameOf(usePerson(message.sender));
  const text = message.deleted_at ? t("Deleted message") : excerpt(message);
  return (
    <>
      <strong dir="auto">{name}</strong> <span dir="auto">{text}</span>
    </>
  );
}

function excerpt({ body }: Message): string {
  const line = plainText(body.text).replace(/\s+/g, " ").trim();
  const file = body.attachments?.[0]?.name;
  return line.slice(0, 160) || file || "…";
}
