import { useEffect } from "react";
import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { usePreferences } from "../../app/preferences";
import { go } from "../../app/router";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/Icon";
import { COMMAND } from "../../ui/keys";
import { Logo } from "../../ui/Logo";
import { NotLoaded } from "../../ui/NotLoaded";
import type { Room } from "../../wire/types";
import { useMe, useSession } from "../session/session";
import { lastRoom } from "./lastRoom";
import { isDirect, useRooms } from "./rooms";

/** Whether this visit began somewhere, or has been led to a room: from then on, home is home. */
let led = location.pathname !== "/";
// A visit begins when somebody comes in.
useSession.subscribe(({ kind }, before) => {
  if (kind === "somebody" && before.kind !== "somebody") led = location.pathname !== "/";
});

/** What there is to do when no room is open. A visit begins in the room where the last one ended. */
export function Welcome() {
  const me = useMe();
  const { firstSteps } = usePreferences();
  const { rooms, query } = useRooms();
  const isKnown = query.data !== undefined;
  const goal = led || !isKnown ? undefined : beginning(rooms, firstSteps);
  useEffect(() => {
    if (!isKnown || led) return;
    led = true;
    if (goal) go({ page: "room", room: goal.id, seq: undefined }, undefined, true);
  }, [isKnown, goal]);
  if (!isKnown) return <NotLoaded query={query} />;
  if (goal) return null;
  return (
    <div className="empty" style={{ flex: 1 }}>
      <Logo size={56} />
      <h1 dir="auto">{t("Hello, {name}", { name: me.display_name })}</h1>
      <p>
        {rooms.length > 0
          ? t("Pick a room on the left, or press {key} to jump to one.", { key: `${COMMAND} K` })
          : t("Make a room and invite somebody, or look around.")}
      </p>
      <div className="dialog-actions">
        <Button kind="primary" onPress={() => openDialog({ kind: "create-room" })}>
          <Icon name="add" size={16} /> {t("Create a room")}
        </Button>
        <Button onPress={() => go({ page: "directory" })}>{t("Find public rooms")}</Button>
        <Button onPress={() => openDialog({ kind: "join" })}>{t("Join with a code")}</Button>
        <Button onPress={() => openDialog({ kind: "direct" })}>{t("Message people")}</Button>
      </div>
    </div>
  );
}

/** Where a visit begins: newcomers in the first public room, others where they were; on a phone, at the list. */
function beginning(rooms: readonly Room[], isNewcomer: boolean): Room | undefined {
  const last = rooms.find(({ id }) => id === lastRoom());
  if (isNewcomer && !last)
    return rooms.find(({ kind }) => kind === "public") ?? rooms.find((room) => !isDirect(room));
  return window.matchMedia("(max-width: 720px)").matches ? undefined : last;
}
