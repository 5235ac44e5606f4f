import { useState } from "react";
import { explain } from "../app/explain";
import { t } from "../app/i18n";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Field } from "./Field";

/** A question before something is done. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** What the button that does it says. */
  readonly action: string;
  readonly danger?: boolean;
  /** Asks for a reason too, which goes into the record. */
  readonly asksReason?: boolean;
  readonly act: (reason: string | undefined) => Promise<unknown> | unknown;
}

/** Asks before something is done, and says so if it did not work. */
export default function ConfirmDialog({
  question: { title, text, action, danger = false, asksReason = false, act },
  onClose,
}: {
  readonly question: Question;
  readonly onClose: () => void;
}) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const go = async () => {
    setBusy(true);
    try {
      await act(reason.trim() || undefined);
      onClose();
    } catch (cause) {
      setError(cause);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void go();
        }}
      >
        <p>{text}</p>
        {asksReason && (
          <Field
            label={t("Reason")}
            hint={t("Goes into the record. May be left out.")}
            value={reason}
            maxLength={200}
            autoFocus
            onChange={({ currentTarget }) => setReason(currentTarget.value)}
          />
        )}
        {error !== undefined && (
          <p className="field-error" role="alert">
            {explain(error)}
          </p>
        )}
        <div className="dialog-actions">
          <Button onPress={onClose}>{t("Cancel")}</Button>
          <Button
            kind={danger ? "danger" : "primary"}
            type="submit"
            isDisabled={busy}
            autoFocus={!asksReason}
          >
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
