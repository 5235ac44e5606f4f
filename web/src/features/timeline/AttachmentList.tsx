import { lazy, Suspense, useState } from "react";
import { t, useLanguage } from "../../app/i18n";
import { Icon } from "../../ui/Icon";
import type { Attachment } from "../../wire/types";
import { Blurhash } from "./Blurhash";

const Viewer = lazy(() => import("./Viewer"));

/** The widest and highest an image in the timeline is, in pixels. */
const [WIDEST, HIGHEST] = [420, 320];

/** A message's files: images to look at, and others to save. */
export function AttachmentList({ attachments }: { readonly attachments: readonly Attachment[] }) {
  const [viewed, view] = useState<number>();
  if (attachments.length === 0) return null;
  const images = attachments.filter(({ width, height }) => width && height);
  const files = attachments.filter(({ width, height }) => !(width && height));
  return (
    <div className="attachments">
      {images.map((image, index) => (
        <Picture key={image.id} image={image} onOpen={() => view(index)} />
      ))}
      {files.map((file) => (
        <FileCard key={file.id} file={file} />
      ))}
      {viewed !== undefined && (
        <Suspense fallback={null}>
          <Viewer images={images} index={viewed} onClose={() => view(undefined)} />
        </Suspense>
      )}
    </div>
  );
}

/** Where an attachment's bytes are. */
export function urlOf(id: string, kind: "" | "/thumbnail" = ""): string {
  return `/api/v1/attachments/${id}${kind}`;
}

function Picture({ image, onOpen }: { readonly image: Attachment; readonly onOpen: () => void }) {
  const [width, height] = [image.width ?? 1, image.height ?? 1];
  const scale = Math.min(1, WIDEST / width, HIGHEST / height);
  return (
    <button
      type="button"
      className="picture"
      style={{ width: width * scale, aspectRatio: `${width} / ${height}` }}
      onClick={onOpen}
      aria-label={t("Open {name}", { name: image.name })}
    >
      {image.blurhash && <Blurhash hash={image.blurhash} />}
      <img
        src={urlOf(image.id, image.thumbnail ? "/thumbnail" : "")}
        alt={image.name}
        loading="lazy"
        decoding="async"
      />
    </button>
  );
}

function FileCard({ file }: { readonly file: Attachment }) {
  const language = useLanguage();
  return (
    <a className="file-card" href={urlOf(file.id)} download={file.name}>
      <Icon name="file" />
      <span className="file-name" dir="auto">
        {file.name}
      </span>
      <span className="file-size">{sizeOf(file.size, language)}</span>
      <Icon name="download" size={16} />
    </a>
  );
}

/** A number of bytes, for people. */
export function sizeOf(bytes: number, language: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  const value = bytes / 1_000 ** power;
  const digits = power > 0 && value < 10 ? 1 : 0;
  const style = {
    style: "unit",
    unit: units[power] ?? "byte",
    unitDisplay: "short",
    maximumFractionDigits: digits,
  } as const;
  return new Intl.NumberFormat(language, style).format(value);
}
