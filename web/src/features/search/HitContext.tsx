import { useQuery } from "@tanstack/react-query";
import { t } from "../../app/i18n";
import type { History, Message, SearchHit } from "../../wire/types";
import { api } from "../session/session";
import { Quoted } from "../timeline/Quote";

/** Messages that are asked for: the nearest on both sides may be deleted ones. */
const AROUND = 12;
/** How long what is known of a hit's neighbours is as good as new, in milliseconds. */
const FRESH = 5 * 60_000;

/**
 * What was said just before and just after a hit, each on one line. It stands below the hits and is always
 * as high, so that nothing moves while somebody goes through them.
 */
export function HitContext({ id, hit: { message } }: { readonly id: string; readonly hit: SearchHit }) {
  const { room, seq } = message;
  const { data, isPending, isError } = useQuery({
    queryKey: ["around", room, seq],
    queryFn: ({ signal }) =>
      api.ask<History>(`rooms/${room}/messages`, { query: { around: seq, limit: AROUND }, signal }),
    staleTime: FRESH,
    retry: false,
  });
  const others = data?.messages.filter(({ deleted_at }) => !deleted_at) ?? [];
  const before = others.findLast((other) => other.seq < seq);
  const after = others.find((other) => other.seq > seq);
  return (
    <section aria-label={t("Before and after it")} aria-busy={isPending}>
      <div className="hit-context" id={id}>
        <Neighbour
          message={before}
          isPending={isPending}
          none={isError ? t("This could not be loaded.") : t("Nothing was said before it.")}
        />
        <p className="hit-itself">
          <Quoted message={message} />
        </p>
        <Neighbour
          message={after}
          isPending={isPending}
          none={isError ? t("This could not be loaded.") : t("Nothing was said after it.")}
        />
      </div>
    </section>
  );
}

interface Props {
  readonly message: Message | undefined;
  readonly isPending: boolean;
  readonly none: string;
}

function Neighbour({ message, isPending, none }: Props) {
  if (isPending) return <p className="skeleton" />;
  return <p>{message ? <Quoted message={message} /> : none}</p>;
}
