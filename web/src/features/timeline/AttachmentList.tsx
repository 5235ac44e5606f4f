import { lazy, Suspense, useState } from "react";
import { t, useLocale } from "../../app/i18n";
import { Icon } from "../../ui/Icon";
import type { Attachment } from "../../wire/types";
import { Blurhash } from "./Blurhash";
import "./attachments.css";

const Viewer = lazy(() => import("./Viewer"));

/** The widest and highest a picture in the timeline is, in pixels: alone, and beside others. */
const ALONE = { width: 420, height: 320 };
const BESIDE = { width: 240, height: 180 };

/** A message's files: pictures to look at, film and sound to play, and others to save. */
export function AttachmentList({ attachments }: { readonly attachments: readonly Attachment[] }) {
  const [viewed, view] = useState<number>();
  if (attachments.length === 0) return null;
  const isPicture = ({ width, height, type }: Attachment) => width && height && type.startsWith("image/");
  const pictures = attachments.filter(isPicture);
  const others = attachments.filter((attachment) => !isPicture(attachment));
  return (
    <div className="attachments">
      {pictures.map((picture, index) => (
        <Picture
          key={picture.id}
          picture={picture}
          most={pictures.length > 1 ? BESIDE : ALONE}
          onOpen={() => view(index)}
        />
      ))}
      {others.map((file) => (
        <Other key={file.id} file={file} />
      ))}
      {viewed !== undefined && (
        <Suspense fallback={null}>
          <Viewer images={pictures} index={viewed} onClose={() => view(undefined)} />
        </Suspense>
      )}
    </div>
  );
}

/** Where an attachment's bytes are. */
export function urlOf(id: string, kind: "" | "/thumbnail" = ""): string {
  return `/api/v1/attachments/${id}${kind}`;
}

interface PictureProps {
  readonly picture: Attachment;
  readonly most: { readonly width: number; readonly height: number };
  readonly onOpen: () => void;
}

/** Its place is kept free from the start, so that nothing moves when it comes. */
function Picture({ picture, most, onOpen }: PictureProps) {
  const [width, height] = [picture.width ?? 1, picture.height ?? 1];
  const [state, become] = useState<"loading" | "there" | "broken">("loading");
  const scale = Math.min(1, most.width / width, most.height / height);
  return (
    <button
      type="button"
      className="picture"
      style={{ width: Math.max(48, width * scale), aspectRatio: `${width} / ${height}` }}
      onClick={onOpen}
      aria-label={t("Open {name}", { name: picture.name })}
    >
      {picture.blurhash && state !== "there" && <Blurhash hash={picture.blurhash} />}
      {state === "broken" ? (
        <span className="picture-broken" dir="auto">
          <Icon name="warning" /> {picture.name}
        </span>
      ) : (
        <img
          src={urlOf(picture.id, picture.thumbnail ? "/thumbnail" : "")}
          alt={picture.name}
          loading="lazy"
          decoding="async"
          onLoad={() => become("there")}
          onError={() => become("broken")}
        />
      )}
    </button>
  );
}

function Other({ file }: { readonly file: Attachment }) {
  // What this browser can't play is a file like others.
  const [unplayable, setUnplayable] = useState(false);
  const refuse = () => setUnplayable(true);
  const source = urlOf(file.id);
  if (!unplayable && file.type.startsWith("video/")) {
    return (
      <figure className="film">
        {/* biome-ignore lint/a11y/useMediaCaption: people's own films have no captions to offer */}
        <video src={source} controls preload="metadata" playsInline onError={refuse} />
        <figcaption dir="auto">{file.name}</figcaption>
      </figure>
    );
  }
  if (!unplayable && file.type.startsWith("audio/")) {
    return (
      <figure className="sound">
        <figcaption dir="auto">{file.name}</figcaption>
        {/* biome-ignore lint/a11y/useMediaCaption: people's own recordings have no captions to offer */}
        <audio src={source} controls preload="metadata" onError={refuse} />
      </figure>
    );
  }
  return <FileCard file={file} />;
}

function FileCard({ file }: { readonly file: Attachment }) {
  const locale = useLocale();
  return (
    <a className="file-card" href={urlOf(file.id)} download={file.name}>
      <Icon name="file" />
      <span className="file-name" dir="auto">
        {file.name}
      </span>
      <span className="file-size">{sizeOf(file.size, locale)}</span>
      <Icon name="download" size={16} />
    </a>
  );
}

/** A number of bytes, for people. */
export function sizeOf(bytes: number, locale: string): string {
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
  return new Intl.NumberFormat(locale, style).format(value);
}
