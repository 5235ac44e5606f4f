import { useState } from "react";
import { Icon } from "../../ui/Icon";
import type { Message, PreviewImage } from "../../wire/types";
import { useLinkPreview } from "./useLinkPreview";
import "./link-card.css";

interface Props {
  readonly room: string;
  readonly message: Message;
  /** Whether the server has the message as it is shown. */
  readonly isKnown: boolean;
}

/** What the first link of a message leads to. The card is as high as it will ever be from the start. */
export function LinkCard({ room, message, isKnown }: Props) {
  const shown = useLinkPreview(room, message, isKnown);
  if (!shown) return null;
  const { url, preview, isLoading } = shown;
  const { title, description, site_name: site, image } = preview ?? {};
  const path = decoded(url.pathname + url.search);
  return (
    <a
      className="link-card"
      href={url.href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      aria-busy={isLoading || undefined}
    >
      {image ? (
        <CardPicture key={image.path} image={image} />
      ) : (
        !title && (
          <span className="link-card-icon">
            <Icon name="link" />
          </span>
        )
      )}
      <span className="link-card-text">
        <span className="link-card-source">
          <span className="link-card-host">
            <bdi dir="ltr">{url.host}</bdi>
          </span>
          {site && (
            <>
              <span aria-hidden="true">·</span>
              <span className="link-card-site" dir="auto">
                {site}
              </span>
            </>
          )}
        </span>
        {isLoading ? (
          <span className="link-card-loading" aria-hidden="true">
            <span className="skeleton" />
            <span className="skeleton" />
          </span>
        ) : (
          <>
            <strong className="link-card-title" dir={title ? "auto" : "ltr"}>
              {title ?? path}
            </strong>
            {description && (
              <span className="link-card-description" dir="auto">
                {description}
              </span>
            )}
          </>
        )}
      </span>
    </a>
  );
}

function CardPicture({ image }: { readonly image: PreviewImage }) {
  const [isBroken, setBroken] = useState(false);
  return (
    <span className="link-card-picture">
      {isBroken ? (
        <Icon name="link" />
      ) : (
        <img
          src={image.path}
          width={image.width}
          height={image.height}
          alt=""
          loading="lazy"
          decoding="async"
          onError={() => setBroken(true)}
        />
      )}
    </span>
  );
}

/** A path for people to read. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
