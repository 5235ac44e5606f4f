import { useEffect, useState } from "react";
import { useConversation } from "../../app/conversation";
import { t } from "../../app/i18n";
import type { Room } from "../../wire/types";
import { nameOf, usePeopleById } from "../people/people";

/** How long somebody counts as typing after they were last said to be, in milliseconds. */
const EXPIRES = 6_000;

/** Who is typing. It always takes the same place, so that nothing moves. */
export function TypingLine({ room }: { readonly room: Room }) {
  const { engine, user: me } = useConversation();
  const [typing, set] = useState<ReadonlyMap<string, number>>(new Map());
  const people = usePeopleById([...typing.keys()]);

  useEffect(() => {
    set(new Map());
    const timers = new Map<string, ReturnType<typeof setTimeout>>();
    const stop = (user: string) => {
      // Nobody draws anything for those who were not typing.
      if (!timers.has(user)) return;
      clearTimeout(timers.get(user));
      timers.delete(user);
      set((before) => new Map([...before].filter(([other]) => other !== user)));
    };
    const end = engine.onFrame((frame) => {
      if (frame.type === "message" && frame.room === room.id) stop(frame.sender);
      if (frame.type !== "typing" || frame.room !== room.id || frame.user === me) return;
      stop(frame.user);
      if (!frame.on) return;
      set((before) => new Map(before).set(frame.user, performance.now()));
      timers.set(
        frame.user,
        setTimeout(() => stop(frame.user), EXPIRES),
      );
    });
    return () => {
      end();
      for (const timer of timers.values()) clearTimeout(timer);
    };
  }, [engine, room.id, me]);

  const names = [...typing.keys()].map((user) => nameOf(people.get(user)));
  return (
    <div className="typing-line" aria-live="off" dir="auto">
      {names.length > 0 && (
        <>
          <span className="typing-dots" aria-hidden="true" /> {sentence(names)}
        </>
      )}
    </div>
  );
}

function sentence([first = "", second = "", ...more]: string[]): string {
  if (more.length > 0) return t("Several people are typing…");
  if (second) return t("{first} and {second} are typing…", { first, second });
  return t("{first} is typing…", { first });
}
