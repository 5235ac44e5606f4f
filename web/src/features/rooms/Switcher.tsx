import { type KeyboardEvent, useState } from "react";
import { closeDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { go } from "../../app/router";
import { Dialog } from "../../ui/Dialog";
import { Icon } from "../../ui/Icon";
import type { Room } from "../../wire/types";
import { useRooms } from "./rooms";

/** Rooms shown at a time. */
const SHOWN = 10;

/** Jumps to a room by a part of its name. */
export default function Switcher() {
  const { rooms } = useRooms();
  const [query, setQuery] = useState("");
  const [chosen, choose] = useState(0);
  const found = match(rooms, query).slice(0, SHOWN);
  const open = (room: Room | undefined) => {
    if (!room) return;
    closeDialog();
    go({ page: "room", room: room.id, seq: undefined });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown") choose(Math.min(found.length - 1, chosen + 1));
    else if (event.key === "ArrowUp") choose(Math.max(0, chosen - 1));
    else if (event.key === "Enter") open(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title={t("Jump to")} onClose={closeDialog}>
      <input
        className="input"
        role="combobox"
        aria-expanded
        aria-controls="switcher"
        aria-activedescendant={`switch-${chosen}`}
        aria-label={t("Room or person")}
        placeholder={t("Room or person")}
        autoFocus
        value={query}
        onChange={({ currentTarget }) => {
          setQuery(currentTarget.value);
          choose(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="switcher" role="listbox" aria-label={t("Rooms")}>
        {found.map((room, index) => (
          <div
            key={room.id}
            id={`switch-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            className="completion"
            onPointerEnter={() => choose(index)}
            onClick={() => open(room)}
            onKeyDown={() => undefined}
          >
            <Icon name={iconOf(room)} size={16} />
            <span dir="auto">{room.name}</span>
          </div>
        ))}
        {found.length === 0 && <p className="field-hint">{t("Nothing is called that.")}</p>}
      </div>
    </Dialog>
  );
}

function iconOf({ kind }: Room) {
  if (kind === "direct" || kind === "group") return "people";
  return kind === "private" ? "lock" : "hash";
}

function match(rooms: readonly Room[], query: string): Room[] {
  const fold = (text: string) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const wanted = fold(query.trim());
  const rank = (room: Room) => {
    const at = fold(room.name).indexOf(wanted);
    return at < 0 ? Number.POSITIVE_INFINITY : at * 2 - Math.min(1, room.unread);
  };
  return rooms
    .map((room) => ({ room, at: rank(room) }))
    .filter(({ at }) => at !== Number.POSITIVE_INFINITY)
    .sort((a, b) => a.at - b.at || a.room.name.localeCompare(b.room.name))
    .map(({ room }) => room);
}
