import { openDialog } from "../../app/dialogs";
import { useMe } from "../session/session";
import { usePeopleById } from "./people";

const EVERYBODY: ReadonlySet<string> = new Set(["all", "everyone"]);

/** `@somebody` in a text: a name that can be pressed, or plain text where nobody has it. */
export function MentionName({ name }: { readonly name: string }) {
  const me = useMe();
  const people = usePeopleById();
  if (EVERYBODY.has(name)) return <span className="mention">@{name}</span>;
  const user = [...people.values()].find(({ username }) => username === name);
  if (!user) return <>@{name}</>;
  return (
    <button
      type="button"
      className="mention"
      data-me={user.id === me.id || undefined}
      onClick={() => openDialog({ kind: "person", user: user.id })}
    >
      @{user.display_name}
    </button>
  );
}
