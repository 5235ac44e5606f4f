import type { Operation, Pending } from "../log/outbox";
import { copy } from "../ui/clipboard";
import { toast } from "../ui/Toasts";
import type { Conversation } from "./conversation";
import { inWords } from "./explain";
import { t } from "./i18n";

/**
 * Says when an edit, a deletion or a reaction was refused for good, and takes it back. A message that
 * was refused stays where it was written, with its own words; if that room is gone, its text is offered.
 */
export function followFailures({ engine }: Conversation): () => void {
  return engine.onUpdate((update) => {
    if (update.kind === "lost") offer(update.pending);
    if (update.kind !== "failed" || update.pending.operation.type === "send") return;
    const { operation, state } = update.pending;
    if (state.kind !== "failed") return;
    const why = inWords(state.code) ?? state.detail;
    if (operation.type === "edit") toast(t("The edit was refused: {why}", { why }));
    else if (operation.type === "delete") toast(t("The message was not deleted: {why}", { why }));
    else toast(t("The reaction was refused: {why}", { why }));
    engine.discard(operation.id);
  });
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
