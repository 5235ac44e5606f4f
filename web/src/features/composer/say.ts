import { create } from "zustand";
import type { Conversation } from "../../app/conversation";
import { t } from "../../app/i18n";
import { toast } from "../../ui/Toasts";
import { useSession } from "../session/session";
import { draftOf, recallDraft, takeDraft } from "./drafts";
import { countGraphemes } from "./graphemes";
import { hold, settled, take } from "./uploads";

/** Rooms whose message goes out as soon as its files are there, and what takes that back. */
const useHeld = create<Record<string, AbortController>>(() => ({}));

useSession.subscribe(({ kind }) => {
  if (kind !== "somebody") for (const hold of Object.values(useHeld.getState())) hold.abort();
});

/** Whether a room's message waits for its files. */
export function useIsHeld(room: string): boolean {
  return useHeld((held) => held[room] !== undefined);
}

/** Lets the person go on writing what waits for its files. */
export function release(room: string): void {
  useHeld.getState()[room]?.abort();
}

/**
 * Says what is written in a room, once its files are there. Meanwhile nothing of it changes, wherever
 * the person is; if a file fails, it stays where it is.
 */
export async function say(conversation: Conversation, room: string, most: number): Promise<void> {
  if (useHeld.getState()[room]) return;
  if (countGraphemes(draftOf(room).text.trim(), most + 1) > most) {
    toast(t("That is too long. The most is {most} characters.", { most }));
    return;
  }
  const held = new AbortController();
  useHeld.setState({ [room]: held });
  hold(room, true);
  try {
    await settled(room, held.signal);
  } catch {
    hold(room, false);
    return;
  } finally {
    const { [room]: _, ...others } = useHeld.getState();
    useHeld.setState(others, true);
  }
  const files = take(room);
  const text = draftOf(room).text.trim();
  if (files === undefined) hold(room, false);
  if (files === undefined || (text === "" && files.ids.length === 0)) return;
  const written = takeDraft(conversation, room);
  const { replyTo } = written.draft;
  const body = {
    text,
    ...(files.ids.length > 0 ? { attachments: [...files.ids] } : {}),
    ...(replyTo ? { reply_to: replyTo } : {}),
  };
  const isSent = await conversation.send(room, body);
  for (const taken of [written, files]) {
    if (isSent) taken.sent();
    else taken.giveBack();
  }
}

/** Goes on holding what was to be said in a room when the page was left. */
export async function sayHeld(conversation: Conversation, room: string): Promise<void> {
  await recallDraft(conversation, room);
  await say(conversation, room, conversation.engine.limits?.text_graphemes ?? Number.POSITIVE_INFINITY);
}
