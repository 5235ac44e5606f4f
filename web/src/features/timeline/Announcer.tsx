import { useEffect, useState } from "react";
import { useConversation } from "../../app/conversation";
import { t } from "../../app/i18n";
import { nameOf, usePerson } from "../people/people";

/** Speaks new messages of the open room, and nothing else: never the history that is scrolled to. */
export function Announcer({ room }: { readonly room: string }) {
  const { engine, user } = useConversation();
  const [said, say] = useState<{ sender: string; text: string }>();
  useEffect(
    () =>
      engine.onUpdate((update) => {
        if (update.kind !== "said" || update.message.room !== room) return;
        const { sender, body } = update.message;
        if (sender !== user) say({ sender, text: body.text.slice(0, 500) });
      }),
    [engine, room, user],
  );
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      {said && <Said {...said} />}
    </div>
  );
}

function Said({ sender, text }: { readonly sender: string; readonly text: string }) {
  const name = nameOf(usePerson(sender));
  return t("{name}: {text}", { name, text });
}
