import { useInfiniteQuery } from "@tanstack/react-query";
import { type KeyboardEvent, useId, useRef, useState } from "react";
import { explain as inWords } from "../../app/explain";
import { t, useLocale } from "../../app/i18n";
import { go, show } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { Button, IconButton } from "../../ui/Button";
import { isCoarse } from "../../ui/pointer";
import { useDebounced } from "../../ui/useDebounced";
import { ApiError } from "../../wire/http";
import type { SearchHit, SearchResults } from "../../wire/types";
import { nameOf, usePerson } from "../people/people";
import { useRoom } from "../rooms/rooms";
import { api } from "../session/session";
import { HitContext } from "./HitContext";
import "./search.css";

/** Finds messages in one's rooms, or in this one. Hits open in their place. */
export default function SearchPanel({ room }: { readonly room: string | undefined }) {
  const [query, setQuery] = useState("");
  const [onlyHere, setOnlyHere] = useState(false);
  const q = useDebounced(query.trim());
  const list = useRef<HTMLUListElement>(null);
  const context = useId();
  /** The message that the pointer or the focus was on last. */
  const [active, activate] = useState("");
  const rested = useDebounced(active);
  const search = useInfiniteQuery({
    queryKey: ["search", q, onlyHere ? room : ""],
    queryFn: ({ pageParam, signal }) =>
      api.ask<SearchResults>("search", {
        query: { q, room: onlyHere ? room : undefined, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next,
    enabled: q.length > 1,
    retry: false,
  });
  const hits = search.data?.pages.flatMap((page) => page.hits) ?? [];
  // Without a pointer that hovers and without keys nobody goes through hits: they open one.
  const chosen = isCoarse() ? undefined : (hits.find(({ message }) => message.id === rested) ?? hits[0]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    const all = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    all[Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1))]?.focus();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrows move between the field and the hits
    <div className="search" onKeyDown={onKeyDown}>
      <header className="panel-head">
        <h2>{t("Search")}</h2>
        <IconButton icon="close" label={t("Close")} onPress={() => show(undefined)} />
      </header>
      <div className="panel-search">
        <input
          className="input"
          type="search"
          autoFocus
          placeholder={t("Search messages")}
          aria-label={t("Search messages")}
          value={query}
          onChange={({ currentTarget }) => setQuery(currentTarget.value)}
        />
        {room && (
          <label className="toggle">
            {t("Only in this room")}
            <input
              type="checkbox"
              checked={onlyHere}
              onChange={({ currentTarget }) => setOnlyHere(currentTarget.checked)}
            />
          </label>
        )}
        {q === "" && (
          <p className="field-hint">
            {t("Narrow it down with")} <code>from:name</code> <code>in:room</code>{" "}
            <code>before:2026-01-31</code> <code>after:2026-01-01</code> <code>has:image</code>{" "}
            <code>has:file</code> <code>has:link</code> <code>mentions:me</code> <code>"a phrase"</code>{" "}
            <code>-word</code>
          </p>
        )}
      </div>
      <ul className="panel-list hits" ref={list}>
        {hits.map((hit) => (
          <Hit
            key={hit.message.id}
            hit={hit}
            context={hit === chosen ? context : undefined}
            onActive={() => activate(hit.message.id)}
          />
        ))}
      </ul>
      {search.isError && <p className="field-error search-note">{explain(search.error)}</p>}
      {search.isSuccess && hits.length === 0 && (
        <div className="empty">
          <h2>{t("Nothing found")}</h2>
          <p>{t("Try fewer words, or a part of one.")}</p>
        </div>
      )}
      {search.hasNextPage && <Button onPress={() => void search.fetchNextPage()}>{t("Show more")}</Button>}
      {chosen && <HitContext id={context} hit={chosen} />}
    </div>
  );
}

interface HitProps {
  readonly hit: SearchHit;
  /** Where its neighbours are shown, if they are. */
  readonly context: string | undefined;
  readonly onActive: () => void;
}

function Hit({ hit: { message, highlights }, context, onActive }: HitProps) {
  const locale = useLocale();
  const sender = usePerson(message.sender);
  const room = useRoom(message.room);
  return (
    <li>
      <button
        type="button"
        className="hit"
        data-chosen={context !== undefined || undefined}
        aria-describedby={context}
        onPointerEnter={onActive}
        onFocus={onActive}
        onClick={() => go({ page: "room", room: message.room, seq: message.seq }, "search")}
      >
        <span className="hit-head">
          <Avatar id={message.sender} name={nameOf(sender)} picture={sender?.avatar} size="small" />
          <strong dir="auto">{nameOf(sender)}</strong>
          <span className="field-hint" dir="auto">
            {room?.name} · {new Date(message.at).toLocaleDateString(locale)}
          </span>
        </span>
        <span className="hit-text" dir="auto">
          <Highlighted text={message.body.text} ranges={highlights} />
        </span>
      </button>
    </li>
  );
}

/** What is shown before the first word that was found, in characters. */
const LEAD = 40;

function Highlighted({
  text,
  ranges,
}: {
  readonly text: string;
  readonly ranges: readonly (readonly number[])[];
}) {
  const first = ranges[0]?.[0] ?? 0;
  const start = wordAt(text, first - LEAD);
  const pieces = [];
  let at = start;
  for (const [from = 0, to = 0] of ranges) {
    if (from < at) continue;
    pieces.push(text.slice(at, from), <mark key={from}>{text.slice(from, to)}</mark>);
    at = to;
  }
  return (
    <>
      {start > 0 && "…"}
      {pieces}
      {text.slice(at, at + 200)}
    </>
  );
}

/** Where the first word begins that is not before a place. */
function wordAt(text: string, place: number): number {
  if (place <= 0) return 0;
  const space = text.slice(place, place + LEAD).search(/\s/);
  return space < 0 ? place : place + space + 1;
}

function explain(error: Error): string {
  return (error instanceof ApiError && error.field("q")) || inWords(error);
}
