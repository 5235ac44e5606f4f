import type { ReactNode } from "react";
import { t } from "../../app/i18n";
import { IconButton } from "../../ui/Button";
import { focusComposer } from "../../ui/focusComposer";
import { Icon } from "../../ui/Icon";
import { MenuButton } from "../../ui/MenuButton";
import { again, cancel, move, type Upload } from "./uploads";

interface Props {
  readonly upload: Upload;
  /** Its place among the files of the message, and their number. */
  readonly index: number;
  readonly count: number;
  /** What it can be dragged by. */
  readonly handle?: ReactNode;
}

/** A file that goes with the next message: what it is, how far it has come, and what can be done about it. */
export function UploadCard({ upload, index, count, handle }: Props) {
  const { file, preview, state, room, key, isKept } = upload;
  const { name } = file;
  const moves = [
    ...(index > 0
      ? [{ id: "earlier", label: t("Move earlier"), act: () => move(room, key, index - 1) }]
      : []),
    ...(index < count - 1
      ? [{ id: "later", label: t("Move later"), act: () => move(room, key, index + 2) }]
      : []),
  ];
  return (
    <>
      {handle}
      {preview ? <img src={preview} alt="" draggable={false} /> : <Icon name="file" />}
      <span className="upload-text">
        <span className="file-name" dir="auto">
          {name}
        </span>
        {(state.kind === "sending" || state.kind === "waiting") && (
          <progress
            value={state.progress}
            data-waiting={state.kind === "waiting" || undefined}
            aria-label={t("Uploading {name}", { name })}
          />
        )}
        {state.kind === "waiting" && (
          <span className="upload-note" role="status">
            {state.for === "network" ? t("Waiting for the network") : t("Waiting for the server")}
          </span>
        )}
        {isKept === false && <span className="upload-note">{t("Lost on a reload")}</span>}
        {state.kind === "failed" && (
          <span className="field-error" role="alert">
            {state.detail}
          </span>
        )}
      </span>
      {state.kind === "failed" && (
        <IconButton
          icon="retry"
          size={16}
          label={t("Try again: {name}", { name })}
          onPress={() => again(upload)}
        />
      )}
      {count > 1 && <MenuButton icon="more" label={t("Move {name}", { name })} entries={moves} />}
      <IconButton
        icon="close"
        size={16}
        label={t("Remove {name}", { name })}
        onPress={() => {
          cancel(upload);
          // With the last but one the list becomes another one, with the last it goes away.
          if (count <= 2) focusComposer();
        }}
      />
    </>
  );
}
