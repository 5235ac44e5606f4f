import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useConversation, useLink } from "../../app/conversation";
import { usePreferences } from "../../app/preferences";
import type { LinkPreview, Message } from "../../wire/types";
import { api } from "../session/session";
import { links, parse } from "./markdown";

/** What is known of the first link of a message. */
export interface Shown {
  readonly url: URL;
  /** Absent while it is not known, and where there is nothing. */
  readonly preview: LinkPreview | undefined;
  readonly isLoading: boolean;
}

/**
 * What the first link of a message leads to; nothing where there is no link, or no previews are wanted or
 * to be had. It is asked for once the server has the message as it is shown here (`isKnown`), and
 * remembered.
 */
export function useLinkPreview(room: string, message: Message, isKnown: boolean): Shown | undefined {
  const isWanted = usePreferences(({ linkPreviews }) => linkPreviews);
  const { text } = message.body;
  const href = useMemo(() => (isWanted ? firstLink(text) : undefined), [isWanted, text]);
  // The limits are known from the first greeting on.
  useLink();
  const { limits } = useConversation().engine;
  const isThere = limits?.link_previews === true;
  const { data, isFetching } = useQuery({
    queryKey: ["preview", room, message.id, href],
    queryFn: () => api.ask<LinkPreview>(`rooms/${room}/messages/${message.id}/preview`),
    enabled: href !== undefined && isThere && isKnown,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (href === undefined || (limits && !isThere)) return undefined;
  // An answer about another link came before an edit.
  return { url: new URL(href), preview: data?.url === href ? data : undefined, isLoading: isFetching };
}

function firstLink(text: string): string | undefined {
  // Nearly every message has none, and is not parsed for it.
  return /:\/\/|www\./.test(text) ? links(parse(text))[0] : undefined;
}
