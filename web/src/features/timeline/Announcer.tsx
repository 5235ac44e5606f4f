import { useEffect, useState } from "react";
import { useConversation } from "../../app/conversation";
import { t } from "../../app/i18n";
import { nameOf, usePerson } from "../people/people";
import { plainText } from "./plain";

interface Said {
  readonly id: string;
  readonly sender: string;
  readonly text: string;
}

/** How long what comes after something spoken gathers, in milliseconds: nobody can listen faster. */
const GATHER = 1_000;
/** Of more messages at a time only their number is spoken. */
const IN_FULL = 3;

/** Speaks new messages of the open room, and nothing else: never the history that is scrolled to. */
export function Announcer({ room }: { readonly room: string }) {
  const { engine, user } = useConversation();
  const [said, say] = useState<readonly Said[]>([]);
  useEffect(() => {
    let gathered: Said[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const speak = () => {
      timer = undefined;
      if (gathered.length === 0) return;
      say(gathered);
      gathered = [];
      timer = setTimeout(speak, GATHER);
    };
    const stop = engine.onUpdate((update) => {
      if (update.kind !== "said" || update.message.room !== room) return;
      const { id, sender, body } = update.message;
      if (sender === user) return;
      gathered.push({ id, sender, text: plainText(body.text).slice(0, 500) });
      if (timer === undefined) speak();
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [engine, room, user]);
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      {said.length > IN_FULL
        ? t("{fresh, plural, one {# new message} other {# new messages}}", { fresh: said.length })
        : said.map((one) => <Spoken key={one.id} {...one} />)}
    </div>
  );
}

function Spoken({ sender, text }: Said) {
  const name = nameOf(usePerson(sender));
  return <p>{t("{name}: {text}", { name, text })}</p>;
}
