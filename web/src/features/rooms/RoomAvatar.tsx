import { Avatar } from "../../ui/Avatar";
import type { Room, User } from "../../wire/types";
import { usePerson } from "../people/people";
import { useMe } from "../session/session";
import { isDirect } from "./rooms";

interface Props {
  readonly room: Room;
  readonly size?: "small" | "medium" | "large";
}

/** A room's picture; of a conversation of two, the other's, with what they are doing. */
export function RoomAvatar({ room, size = "medium" }: Props) {
  const other = useOther(room);
  if (room.kind !== "direct") {
    return <Avatar id={room.id} name={room.name} picture={room.icon} size={size} square={!isDirect(room)} />;
  }
  return (
    <Avatar
      id={other?.id ?? room.id}
      name={room.name}
      picture={other?.avatar}
      status={other?.status}
      size={size}
    />
  );
}

/** The other one of a conversation of two. */
export function useOther(room: Room): User | undefined {
  const me = useMe();
  const id = room.kind === "direct" ? room.people?.find((user) => user !== me.id) : undefined;
  // A conversation with oneself has nobody else in it.
  return usePerson(id ?? me.id);
}
