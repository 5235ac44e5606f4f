import { toast } from "../ui/Toasts";
import type { Conversation } from "./conversation";
import { inWords } from "./explain";
import { t } from "./i18n";

/**
 * Says when an edit, a deletion or a reaction was refused for good, and takes it back. A message that
 * was refused stays where it was written, with its own words.
 */
export function followFailures({ engine }: Conversation): () => void {
  return engine.onUpdate((update) => {
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
