import { useInfiniteQuery } from "@tanstack/react-query";
import { closeDialog } from "../../app/dialogs";
import { t, useLocale } from "../../app/i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { NotLoaded } from "../../ui/NotLoaded";
import type { VersionList } from "../../wire/types";
import { api } from "../session/session";
import { MessageText } from "./MessageText";

/** Every text a message has had, the latest first. */
export default function VersionsDialog({
  room,
  message,
}: {
  readonly room: string;
  readonly message: string;
}) {
  const locale = useLocale();
  const query = useInfiniteQuery({
    queryKey: ["versions", message],
    queryFn: ({ pageParam }) =>
      api.ask<VersionList>(`rooms/${room}/messages/${message}/versions`, { query: { before: pageParam } }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ before }) => before,
    staleTime: 0,
  });
  return (
    <Dialog title={t("Edits")} onClose={closeDialog}>
      <NotLoaded query={query} />
      <ol className="versions">
        {query.data?.pages
          .flatMap(({ versions }) => versions.toReversed())
          .map(({ seq, at, text }) => (
            <li key={seq}>
              <time className="field-hint" dateTime={at}>
                {new Date(at).toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" })}
              </time>
              <MessageText text={text} />
            </li>
          ))}
      </ol>
      {query.hasNextPage && (
        <Button isDisabled={query.isFetchingNextPage} onPress={() => void query.fetchNextPage()}>
          {t("Show more")}
        </Button>
      )}
    </Dialog>
  );
}
