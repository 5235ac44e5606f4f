import { openDialog } from "../../app/dialogs";
import { t } from "../../app/i18n";
import { Icon, type IconName } from "../../ui/Icon";
import type { Message, Room } from "../../wire/types";
import type { Delivery } from "./rows";

const ICONS: Record<Exclude<Delivery["kind"], "failed">, IconName> = {
  queued: "clock",
  sending: "clock",
  sent: "check",
  delivered: "checks",
  read: "checks",
};

interface Props {
  readonly room: Room;
  readonly message: Message;
  readonly delivery: Exclude<Delivery, { kind: "failed" }>;
}

/** How far one's own message has come. Pressed, it tells whom it has reached. */
export function DeliveryMark({ room, message, delivery }: Props) {
  const label = words(delivery.kind);
  const icon = <Icon name={ICONS[delivery.kind]} size={15} />;
  if (delivery.kind === "queued" || delivery.kind === "sending") {
    return (
      <span className="delivery" title={label} role="img" aria-label={label}>
        {icon}
      </span>
    );
  }
  return (
    <button
      type="button"
      className="delivery"
      data-read={delivery.kind === "read" || undefined}
      title={label}
      aria-label={label}
      onClick={() => openDialog({ kind: "seen", room: room.id, message: message.id })}
    >
      {icon}
    </button>
  );
}

function words(kind: Exclude<Delivery["kind"], "failed">): string {
  switch (kind) {
    case "queued":
      return t("Waits for a connection");
    case "sending":
      return t("Sending");
    case "sent":
      return t("Sent");
    case "delivered":
      return t("Delivered");
    case "read":
      return t("Read");
  }
}
