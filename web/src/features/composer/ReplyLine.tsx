import { t } from "../../app/i18n";
import { IconButton } from "../../ui/Button";
import { Quoted, useQuoted } from "../timeline/Quote";

interface Props {
  readonly room: string;
  /** The message that is being answered. */
  readonly message: string;
  readonly onCancel: () => void;
}

/** Tells which message is being answered. */
export function ReplyLine({ room, message: id, onCancel }: Props) {
  const { message, isGone } = useQuoted(room, id);
  return (
    <div className="composer-reply">
      <span>{t("Replying to")}</span>{" "}
      {message ? (
        <Quoted message={message} />
      ) : (
        <span>{isGone ? t("The message is not there any more.") : "…"}</span>
      )}
      <IconButton icon="close" size={16} label={t("Cancel reply")} onPress={onCancel} />
    </div>
  );
}
