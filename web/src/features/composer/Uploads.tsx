import { t } from "../../app/i18n";
import { IconButton } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { again, cancel, type Upload, useUploads } from "./uploads";

/** The files that go with the next message. */
export function Uploads({ room }: { readonly room: string }) {
  const { list } = useUploads(room);
  if (list.length === 0) return null;
  return (
    <ul className="uploads">
      {list.map((upload) => (
        <UploadCard key={upload.key} upload={upload} />
      ))}
    </ul>
  );
}

function UploadCard({ upload }: { readonly upload: Upload }) {
  const { file, preview, state } = upload;
  const { name } = file;
  return (
    <li className="upload" data-state={state.kind}>
      {preview ? <img src={preview} alt="" /> : <Icon name="file" />}
      <span className="file-name" dir="auto">
        {name}
      </span>
      {state.kind === "sending" && (
        <progress value={state.progress} aria-label={t("Uploading {name}", { name })} />
      )}
      {state.kind === "failed" && (
        <span className="field-error" role="alert">
          {state.detail}
        </span>
      )}
      {state.kind === "failed" && (
        <IconButton
          icon="retry"
          size={16}
          label={t("Try again: {name}", { name })}
          onPress={() => again(upload)}
        />
      )}
      <IconButton
        icon="close"
        size={16}
        label={t("Remove {name}", { name })}
        onPress={() => cancel(upload)}
      />
    </li>
  );
}
