import { useConversation } from "../../app/conversation";
import { t } from "../../app/i18n";
import type { Message } from "../../wire/types";
import { nameOf, usePeopleById } from "../people/people";

/** Names that a reaction tells before it says how many others. */
const NAMED = 8;

/** What people think of a message. */
export function Reactions({ room, message }: { readonly room: string; readonly message: Message }) {
  const conversation = useConversation();
  const people = usePeopleById(message.reactions.flatMap(({ users }) => users.slice(0, NAMED)));
  if (message.reactions.length === 0) return null;
  return (
    <ul className="reactions">
      {message.reactions.map(({ emoji, count, users }) => {
        const mine = users.includes(conversation.user);
        const names = users.slice(0, NAMED).map((user) => nameOf(people.get(user)));
        const more = count - names.length;
        const who = names.join(", ") + (more > 0 ? ` ${t("and {more} more", { more })}` : "");
        return (
          <li key={emoji}>
            <button
              type="button"
              className="reaction"
              aria-pressed={mine}
              title={who}
              aria-label={t("{emoji} {count}: {who}", { emoji, count, who })}
              onClick={() => void conversation.react(room, message.id, emoji, !mine)}
            >
              <span>{emoji}</span>
              <span className="reaction-count">{count}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
