import type { Operation, Pending } from "../log/outbox";
import { copy } from "../ui/clipboard";
import { toast } from "../ui/Toasts";
import type { Conversation } from "./conversation";
import { inWords } from "./explain";
import { t } from "./i18n";
import { parse } from "./router";

/**
 * Says when an edit, a deletion or a reaction was refused for good, and takes it back. A message that
 * was refused stays where it was written, with its own words: who is elsewhere is told that there is one.
 * If that room is gone, its text is offered.
 */
export function followFailures({ engine }: Conversation): () => void {
  return engine.onUpdate((update) => {
    if (update.kind === "lost") offer(update.pending);
    if (update.kind !== "failed") return;
    const { operation, state } = update.pending;
    if (state.kind !== "failed") return;
    const why = inWords(state.code) ?? state.detail;
    if (operation.type === "send") {
      if (!isShown(operation.room)) toast(t("A message in another room was not sent: {why}", { why }));
      return;
    }
    if (operation.type === "edit") toast(t("The edit was refused: {why}", { why }));
    else if (operation.type === "delete") toast(t("The message was not deleted: {why}", { why }));
    else toast(t("The reaction was refused: {why}", { why }));
    engine.discard(operation.id);
  });
}

function isShown(room: string): boolean {
  const { route } = parse(new URL(location.href));
  return route.page === "room" && route.room === room;
}

/** Lets the person keep what they wrote for a room that is gone. What had its place there was said. */
function offer(pending: readonly Pending[]): void {
  const written = pending.filter(({ operation, state }) => isSaid(operation) && state.kind !== "placed");
  if (written.length === 0) return;
  const text = written
    .map(({ operation }) => ("body" in operation ? (operation.body.text ?? "") : ""))
    .filter((text) => text !== "")
    .join("\n\n");
  toast(
    t(
      "{count, plural, one {# message was} other {# messages were}} not sent: you are no longer in that room.",
      {
        count: written.length,
      },
    ),
    text === "" ? undefined : { label: t("Copy text"), act: () => copy(text) },
  );
}

const isSaid = ({ type }: Operation) => type === "send" || type === "edit";
