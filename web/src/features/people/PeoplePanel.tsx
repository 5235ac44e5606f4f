import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { useConversation } from "../../app/conversation";
import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { show } from "../../app/router";
import { Avatar } from "../../ui/Avatar";
import { IconButton } from "../../ui/Button";
import { NotLoaded } from "../../ui/NotLoaded";
import type { MemberView, User } from "../../wire/types";
import { useRoom } from "../rooms/rooms";
import { PersonLine } from "./PersonLine";
import { usePeopleById, watch } from "./people";
import { useGroups } from "./useGroups";
import { useFoundMembers, useMembers } from "./useMembers";

type Row =
  | { kind: "head"; label: string; count: number }
  | { kind: "person"; member: MemberView; user: User };

/** Who is in the room: those who are here, then the others. */
export default function PeoplePanel({ room }: { readonly room: string }) {
  const { members: listed, query: found } = useMembers(room);
  const people = usePeopleById();
  const conversation = useConversation();
  const [query, setQuery] = useState("");
  const others = useFoundMembers(useRoom(room), query);
  const members = useMemo(() => joined(listed, others), [listed, others]);
  const scroller = useRef<HTMLDivElement>(null);
  const [isHeld, hold] = useState(false);
  const ids = useMemo(() => members.map(({ id }) => id), [members]);
  const online = useMemo(() => whoIsHere(members, people), [members, people]);
  const here = useGroups(online, ids, isHeld);
  const rows = useMemo(() => arrange(members, people, here, query), [members, people, here, query]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (rows[index]?.kind === "head" ? 34 : 48),
    overscan: 6,
  });
  const items = virtual.getVirtualItems();
  const shown = items
    .flatMap(({ index }) => {
      const row = rows[index];
      return row?.kind === "person" ? row.user.id : [];
    })
    .join(" ");
  useEffect(() => watch(conversation, shown.split(" ").filter(Boolean)), [conversation, shown]);

  return (
    <>
      <header className="panel-head">
        <h2>{t("Members")}</h2>
        <IconButton icon="close" label={t("Close")} onPress={() => show(undefined)} />
      </header>
      <div className="panel-search">
        <input
          className="input"
          type="search"
          placeholder={t("Find a member")}
          aria-label={t("Find a member")}
          value={query}
          onChange={({ currentTarget }) => setQuery(currentTarget.value)}
        />
      </div>
      <div
        className="panel-list"
        ref={scroller}
        onPointerEnter={(event) => hold(event.pointerType === "mouse")}
        onPointerLeave={() => hold(false)}
      >
        {found.isLoading && <div className="skeleton panel-loading" />}
        <NotLoaded query={found} />
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {items.map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            const style = { transform: `translateY(${item.start}px)`, height: item.size };
            return (
              <div key={item.key} className="panel-row" style={style}>
                {row.kind === "head" ? (
                  <h3 className="panel-group">
                    {row.label} · {row.count}
                  </h3>
                ) : (
                  <button
                    type="button"
                    className="person"
                    onClick={() => openDialog({ kind: "person", user: row.user.id, room })}
                  >
                    <Avatar
                      id={row.user.id}
                      name={row.user.display_name}
                      picture={row.user.avatar}
                      status={row.user.status}
                    />
                    <PersonLine user={row.user} role={row.member.role} />
                  </button>
                )}
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}

/** Those of the list, and those found beyond it. */
function joined(listed: readonly MemberView[], found: readonly MemberView[]): readonly MemberView[] {
  const known = new Set(listed.map(({ id }) => id));
  return [...listed, ...found.filter(({ id }) => !known.has(id))];
}

function whoIsHere(members: readonly MemberView[], people: ReadonlyMap<string, User>): ReadonlySet<string> {
  const here = members.filter((member) => (people.get(member.id) ?? member).status !== "offline");
  return new Set(here.map(({ id }) => id));
}

function arrange(
  members: readonly MemberView[],
  people: ReadonlyMap<string, User>,
  isHere: ReadonlySet<string>,
  query: string,
): Row[] {
  const fold = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const wanted = fold(query.trim());
  const all = members
    .map((member) => ({ kind: "person" as const, member, user: people.get(member.id) ?? member }))
    .filter(({ user }) => fold(`${user.display_name} ${user.username}`).includes(wanted))
    .sort((a, b) => a.user.display_name.localeCompare(b.user.display_name));
  const here = all.filter(({ user }) => isHere.has(user.id));
  const away = all.filter(({ user }) => !isHere.has(user.id));
  return [
    ...(here.length > 0 ? [{ kind: "head" as const, label: t("Online"), count: here.length }] : []),
    ...here,
    ...(away.length > 0 ? [{ kind: "head" as const, label: t("Offline"), count: away.length }] : []),
    ...away,
  ];
}
