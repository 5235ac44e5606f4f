import { t } from "../../app/i18n";
import { usePreferences } from "../../app/preferences";
import type { Room } from "../../wire/types";
import { InviteButton } from "../rooms/InviteButton";
import { RoomAvatar } from "../rooms/RoomAvatar";

/** What stands above a room's first message. */
export function RoomBeginning({ room }: { readonly room: Room }) {
  // Newcomers have the same button below, among their first steps.
  const { firstSteps } = usePreferences();
  const direct = room.kind === "direct" || room.kind === "group";
  return (
    <div className="room-beginning">
      <RoomAvatar room={room} size="large" />
      <h2 dir="auto">{room.name}</h2>
      <p>
        {direct
          ? t("This is the beginning of your conversation with {name}.", { name: room.name })
          : t("This is the beginning of {name}.", { name: room.name })}
        {room.description && <span dir="auto"> {room.description}</span>}
      </p>
      {!direct && !firstSteps && <InviteButton room={room} />}
    </div>
  );
}
